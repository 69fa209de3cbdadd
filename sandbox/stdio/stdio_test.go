package stdio

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func engineFrame(stream byte, payload string) string {
	head := make([]byte, 8)
	head[0] = stream
	binary.BigEndian.PutUint32(head[4:], uint32(len(payload)))
	return string(head) + payload
}

func TestAttachedOutputIsTakenApart(t *testing.T) {
	in := engineFrame(1, "ab") + engineFrame(2, "panic: x\n") + engineFrame(1, "") + engineFrame(1, "c")
	c := NewConn(nil, iotest.OneByteReader(strings.NewReader(in)), new(Tail))
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "abc" || c.stderr.String() != "panic: x" {
		t.Errorf("got %q, stderr %q, %v", got, c.stderr.String(), err)
	}
	for _, in := range []string{engineFrame(9, "x"), engineFrame(3, "the engine's own")} {
		c := NewConn(nil, strings.NewReader(in), new(Tail))
		if _, err := c.Read(make([]byte, 10)); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
}

func TestTailKeepsTheLastWordsOnly(t *testing.T) {
	var w Tail
	for range 1000 {
		if _, err := w.Write([]byte("0123456789\n")); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.String(); len(got) > tailSize || !strings.HasSuffix(got, "0123456789") || cap(w.buf) > 3*tailSize {
		t.Errorf("kept %d bytes in %d", len(got), cap(w.buf))
	}
}

// FuzzConn: an engine's stream is taken apart without a panic, and nothing comes out that did
// not go in.
func FuzzConn(f *testing.F) {
	f.Add([]byte(engineFrame(1, "ab") + engineFrame(2, "panic: x") + engineFrame(1, "c")))
	f.Add([]byte(engineFrame(3, "the engine's own")))
	f.Fuzz(func(t *testing.T, in []byte) {
		c := NewConn(nil, bytes.NewReader(in), new(Tail))
		out, _ := io.ReadAll(c) // most inputs end early
		if len(out) > len(in) || len(c.stderr.buf) > tailSize {
			t.Errorf("%d bytes and %d of stderr came of %d", len(out), len(c.stderr.buf), len(in))
		}
	})
}
