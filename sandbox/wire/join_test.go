package wire

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// countedConn counts writes.
type countedConn struct {
	net.Conn
	writes atomic.Int64
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func TestSessionSendsHeadAndPayloadInOneWrite(t *testing.T) {
	left, right := net.Pipe()
	counted := &countedConn{Conn: left}
	host, err := Host(counted, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	guest, err := Guest(right)
	if err != nil {
		t.Fatal(err)
	}
	defer guest.Close()

	// Sizes around that of a head: a payload must not be taken for a head.
	sizes := []int{1, muxHeadSize - 1, muxHeadSize, muxHeadSize + 1, 70_000, muxHeadSize}
	received := make(chan []byte, 1)
	go func() {
		stream, err := guest.AcceptStream()
		if err != nil {
			t.Error(err)
		} else {
			all, _ := io.ReadAll(stream)
			received <- all
		}
		close(received)
	}()
	stream, err := host.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	before := counted.writes.Load()
	var want []byte
	for _, n := range sizes {
		p := bytes.Repeat([]byte{0}, n) // the type of a data frame's head is 0
		p[n-1] = 1
		want = append(want, p...)
		if _, err := stream.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	writes := counted.writes.Load() - before
	stream.Close()
	if got := <-received; !bytes.Equal(got, want) {
		t.Errorf("%d bytes came, and they are not the %d that were sent", len(got), len(want))
	}
	if writes != int64(len(sizes)) {
		t.Errorf("%d payloads took %d writes", len(sizes), writes)
	}
}
