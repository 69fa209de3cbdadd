package simpleindex

import (
	"fmt"
	"io"
)

// maxPart bounds what stands between two commas of a page's lists, in bytes: the whole entry of one
// file, or one text. PyPI's entry of a file has less than 2 KiB.
const maxPart = 64 << 10

var errPart = fmt.Errorf("it says more than %d KiB of one thing: %w", maxPart>>10, ErrTooLarge)

// shapeReader fails on JSON that would take much memory to decode, before the decoder sees it. A
// decoder keeps each text and each value whole, and everything that is still open around it.
// shapeReader does not check that its input is JSON.
type shapeReader struct {
	r       io.Reader
	depth   int
	part    int // bytes since the last comma of the outer two levels
	quoted  bool
	escaped bool
}

func (s *shapeReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	for _, b := range p[:n] {
		if s.part++; s.part > maxPart {
			return 0, errPart
		}
		s.take(b)
	}
	return n, err
}

func (s *shapeReader) take(b byte) {
	switch {
	case s.quoted:
		s.quoted = s.escaped || b != '"'
		s.escaped = !s.escaped && b == '\\'
	case b == '"':
		s.quoted = true
	case b == '{', b == '[':
		s.depth++
	case b == '}', b == ']':
		s.depth--
	case b == ',' && s.depth <= 2:
		s.part = 0
	}
}
