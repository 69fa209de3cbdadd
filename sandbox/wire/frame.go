package wire

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// Kind says what a frame holds.
type Kind uint8

// The kinds of frame.
const (
	KindHeader Kind = 1 // JSON
	KindStdout Kind = 2 // a command's output
	KindStderr Kind = 3
	KindData   Kind = 4 // a piece of an archive or a file
	KindEnd    Kind = 5 // no more data; empty
	KindReport Kind = 6 // whole lines of what a command's tests report
)

// HeadSize is the size of a frame's head: its kind, and the payload's length as a big-endian
// uint32.
const HeadSize = 5

// Bounds of a frame's payload.
const (
	MaxHeader = 1 << 20
	MaxData   = 64 << 10
)

func limit(k Kind) (uint32, error) {
	switch k {
	case KindHeader:
		return MaxHeader, nil
	case KindStdout, KindStderr, KindData, KindReport:
		return MaxData, nil
	case KindEnd:
		return 0, nil
	}
	return 0, fmt.Errorf("unknown frame kind %d", k)
}

// Buffer returns a buffer for Writer.Data with room for the largest payload behind the head.
func Buffer() []byte { return make([]byte, HeadSize+MaxData) }

// Writer writes frames. Its methods may be called from several goroutines.
type Writer struct {
	mu sync.Mutex
	w  io.Writer
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Header writes v as a JSON header frame.
func (w *Writer) Header(v any) error {
	p, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode header: %w", err)
	}
	if len(p) > MaxHeader {
		return fmt.Errorf("header of %d bytes is larger than %d", len(p), MaxHeader)
	}
	buf := make([]byte, HeadSize, HeadSize+len(p))
	return w.write(KindHeader, append(buf, p...))
}

// Data writes buf[HeadSize:] as a frame. The first HeadSize bytes of buf are
// overwritten, so that head and payload leave in one write without a copy.
func (w *Writer) Data(k Kind, buf []byte) error {
	if n := len(buf) - HeadSize; n < 0 || n > MaxData {
		return fmt.Errorf("payload of %d bytes does not fit a frame", n)
	}
	return w.write(k, buf)
}

// End writes the frame that ends a run of data frames.
func (w *Writer) End() error { return w.write(KindEnd, make([]byte, HeadSize)) }

func (w *Writer) write(k Kind, buf []byte) error {
	buf[0] = byte(k)
	binary.BigEndian.PutUint32(buf[1:HeadSize], uint32(len(buf)-HeadSize))
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.w.Write(buf)
	return err
}

// Reader reads frames. It takes exactly the bytes of each frame from the stream, so
// that what follows may be read by others.
type Reader struct {
	r   io.Reader
	buf []byte
}

// NewReader returns a Reader from r.
func NewReader(r io.Reader) *Reader { return &Reader{r: r} }

// Next reads one frame. The payload is valid until the next call. It returns io.EOF
// only between frames.
func (r *Reader) Next() (Kind, []byte, error) {
	var head [HeadSize]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return 0, nil, err
	}
	k, n := Kind(head[0]), binary.BigEndian.Uint32(head[1:])
	most, err := limit(k)
	if err != nil {
		return 0, nil, err
	}
	if n > most {
		return 0, nil, fmt.Errorf("frame of kind %d claims %d bytes, %d are allowed", k, n, most)
	}
	if uint32(cap(r.buf)) < n {
		r.buf = make([]byte, n)
	}
	p := r.buf[:n]
	if _, err := io.ReadFull(r.r, p); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return k, p, nil
}

// Header reads one frame, which must be a header, into v.
func (r *Reader) Header(v any) error {
	k, p, err := r.Next()
	if err != nil {
		return err
	}
	if k != KindHeader {
		return fmt.Errorf("frame of kind %d where a header was due", k)
	}
	return Decode(p, v)
}

// Decode decodes a header frame's payload.
func Decode(p []byte, v any) error {
	if err := json.Unmarshal(p, v); err != nil {
		return fmt.Errorf("decode header: %w", err)
	}
	return nil
}
