package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestFramesComeBackAsWritten(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	request := Request{Run: &Run{Argv: [][]byte{[]byte("caf\xe9")}, Dir: []byte("/"), Timeout: time.Second}}
	if err := w.Header(request); err != nil {
		t.Fatal(err)
	}
	payload := append(make([]byte, HeadSize), "some output"...)
	if err := w.Data(KindStderr, payload); err != nil {
		t.Fatal(err)
	}
	if err := w.End(); err != nil {
		t.Fatal(err)
	}

	r := NewReader(&b)
	var got Request
	if err := r.Header(&got); err != nil || !reflect.DeepEqual(got, request) {
		t.Errorf("header: got %+v, %v; want %+v", got, err, request)
	}
	if k, p, err := r.Next(); k != KindStderr || string(p) != "some output" || err != nil {
		t.Errorf("data: got %d %q, %v", k, p, err)
	}
	if k, p, err := r.Next(); k != KindEnd || len(p) != 0 || err != nil {
		t.Errorf("end: got %d %q, %v", k, p, err)
	}
	if _, _, err := r.Next(); err != io.EOF {
		t.Errorf("got %v, want io.EOF", err)
	}
}

func TestReaderRefusesWhatIsTooLarge(t *testing.T) {
	for name, in := range map[string]string{
		"header":  "\x01\x00\x10\x00\x01",
		"data":    "\x04\x00\x01\x00\x01",
		"end":     "\x05\x00\x00\x00\x01x",
		"kind":    "\x09\x00\x00\x00\x00",
		"largest": "\x01\xff\xff\xff\xff",
	} {
		r := NewReader(strings.NewReader(in))
		if _, _, err := r.Next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
		if len(r.buf) > 0 {
			t.Errorf("%s: %d bytes were set aside for it", name, len(r.buf))
		}
	}
}

func TestReaderTellsACutFrameFromTheEnd(t *testing.T) {
	for _, in := range []string{"\x04", "\x04\x00\x00\x00\x02", "\x04\x00\x00\x00\x02x"} {
		if _, _, err := NewReader(strings.NewReader(in)).Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: got %v, want io.ErrUnexpectedEOF", in, err)
		}
	}
}

func TestWriterRefusesWhatReaderWould(t *testing.T) {
	w := NewWriter(io.Discard)
	if err := w.Data(KindData, make([]byte, HeadSize+MaxData+1)); err == nil {
		t.Error("a payload that is too large was written")
	}
	if err := w.Header(strings.Repeat("x", MaxHeader)); err == nil {
		t.Error("a header that is too large was written")
	}
}

// FuzzReader: nothing that a sandbox sends makes the reader panic, read more than is allowed, or
// lose its place.
func FuzzReader(f *testing.F) {
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(bytes.NewReader(in))
		taken := 0
		for {
			kind, p, err := r.Next()
			if err != nil {
				return
			}
			if most, err := limit(kind); err != nil || uint32(len(p)) > most {
				t.Fatalf("a frame of kind %d with %d bytes passed", kind, len(p))
			}
			if taken += HeadSize + len(p); taken > len(in) || !bytes.Equal(in[taken-len(p):taken], p) {
				t.Fatalf("the payload is not what stands in the input before byte %d", taken)
			}
		}
	})
}

// FuzzReply: every reply that can be decoded is encoded to the same bytes again.
func FuzzReply(f *testing.F) {
	f.Fuzz(func(t *testing.T, in []byte) {
		var first, second Reply
		if Decode(in, &first) != nil {
			return
		}
		p, err := json.Marshal(first)
		if err != nil {
			t.Fatalf("encode %+v: %v", first, err)
		}
		if err := Decode(p, &second); err != nil {
			t.Fatalf("decode %s: %v", p, err)
		}
		again, err := json.Marshal(second)
		if err != nil || !bytes.Equal(p, again) {
			t.Fatalf("got %s, %v; want %s", again, err, p)
		}
	})
}
