package shares

import (
	"errors"
	"io"
)

// BodyStep is how much the buffer of a body grows at first, in bytes.
const BodyStep = 32 << 10

// Body is one body's share of the memory for bodies that are being read or processed.
type Body struct {
	Of     *Shares // in bytes
	Client string
	bytes  int64
}

// ReadAll reads to the end. It fails as Take does when all bodies together would hold too much.
func (b *Body) ReadAll(r io.Reader) ([]byte, error) {
	var body []byte
	for {
		if len(body) == cap(body) {
			grown := max(BodyStep, 2*cap(body))
			if err := b.take(int64(grown)); err != nil {
				return nil, err
			}
			body = append(make([]byte, 0, grown), body...)
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// take makes the body's share this large.
func (b *Body) take(bytes int64) error {
	if err := b.Of.Take(b.Client, bytes-b.bytes); err != nil {
		return err
	}
	b.bytes = bytes
	return nil
}

// Free gives the share back.
func (b *Body) Free() { b.Of.GiveBack(b.Client, b.bytes) }
