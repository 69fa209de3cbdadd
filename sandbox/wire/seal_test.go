package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// ends are a host's and a guest's sealed ends. What the host writes passes through change.
func ends(t *testing.T, change func([]byte) []byte) (host, guest *sealed, forged *atomic.Int64) {
	t.Helper()
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	forged = new(atomic.Int64)
	host = sealHost(changed{a, change}, nil)
	guest = sealGuest(b)
	guest.forged = func() { forged.Add(1) }
	return host, guest, forged
}

type changed struct {
	net.Conn
	change func([]byte) []byte
}

func (c changed) Write(p []byte) (int, error) {
	if _, err := c.Conn.Write(c.change(bytes.Clone(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func TestSealedBytesArriveAsTheyWereSent(t *testing.T) {
	host, guest, forged := ends(t, func(p []byte) []byte { return p })
	sent := bytes.Repeat([]byte("0123456789"), 3*pieceSize/10)
	go func() {
		_, _ = host.Write([]byte("first"))
		_, _ = host.Write(sent)
	}()
	got := make([]byte, len("first")+len(sent))
	if _, err := io.ReadFull(guest, got); err != nil || !bytes.Equal(got, append([]byte("first"), sent...)) ||
		forged.Load() != 0 {
		t.Fatalf("%v, %d forged; %d bytes came", err, forged.Load(), len(got))
	}
	go func() { _, _ = guest.Write([]byte("back")) }()
	back := make([]byte, 4)
	if _, err := io.ReadFull(host, back); err != nil || string(back) != "back" {
		t.Fatalf("got %q, %v", back, err)
	}
}

func TestForgedBytesEndTheSession(t *testing.T) {
	var stored []byte
	for name, change := range map[string]func(writes int, p []byte) []byte{
		"a changed byte": func(_ int, p []byte) []byte { p[len(p)-1] ^= 1; return p },
		"bytes between": func(_ int, p []byte) []byte {
			return append([]byte("\x00\x00\x00\x20forged frame of thirty-two bytes"), p...)
		},
		"an impossible length":      func(_ int, p []byte) []byte { return append([]byte("\xff\xff\xff\xff"), p...) },
		"no length":                 func(_ int, p []byte) []byte { return append(make([]byte, 4), p...) },
		"the first piece once more": func(n int, p []byte) []byte { return append(bytes.Clone(stored), p...) },
	} {
		t.Run(name, func(t *testing.T) {
			writes := 0
			host, guest, forged := ends(t, func(p []byte) []byte {
				if writes++; writes == 1 { // the control: bytes that were not touched are read
					stored = bytes.Clone(p[keySize:])
					return p
				}
				return change(writes, p)
			})
			go func() {
				_, _ = host.Write([]byte("good"))
				_, _ = host.Write([]byte("bad"))
			}()
			got := make([]byte, 4)
			if _, err := io.ReadFull(guest, got); err != nil || string(got) != "good" {
				t.Fatalf("control: got %q, %v", got, err)
			}
			if n, err := guest.Read(got); !errors.Is(err, ErrForged) || n != 0 || forged.Load() != 1 {
				t.Errorf("read %d bytes, %v, told %d times; want ErrForged, once", n, err, forged.Load())
			}
		})
	}
}

func TestPiecesCannotBeSentBack(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	host := sealHost(a, nil)
	go func() { _, _ = host.Write([]byte("echo")) }()
	piece := make([]byte, keySize+4+len("echo")+tagSize)
	if _, err := io.ReadFull(b, piece); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = b.Write(piece[keySize:]) }()
	if _, err := host.Read(make([]byte, 10)); !errors.Is(err, ErrForged) {
		t.Errorf("the host took its own piece: %v", err)
	}
}
