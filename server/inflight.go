package server

import (
	"errors"
	"io"

	"vivarium/server/shares"
)

// maxInFlight bounds the memory for the bodies of all deliveries at one time, in bytes. Only a
// complete body shows whether it is signed, so anybody can send one. 200 bodies of GitHub's usual
// 20 KB hold 6 MiB.
const maxInFlight = 256 << 20

// bodyStep is how much a buffer grows at first, in bytes.
const bodyStep = 32 << 10

const tooMuchInFlight = "too many deliveries%s at once: redeliver this one from the webhook's page on GitHub"

// held is one body's share of the memory for bodies that are being read or processed.
type held struct {
	of     *shares.Shares // in bytes
	client string
	bytes  int64
}

// readAll reads to the end. It fails when all bodies together would hold too much.
func (h *held) readAll(r io.Reader) ([]byte, error) {
	var body []byte
	for {
		if len(body) == cap(body) {
			grown := max(bodyStep, 2*cap(body))
			if err := h.take(int64(grown)); err != nil {
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
func (h *held) take(bytes int64) error {
	if err := h.of.Take(h.client, bytes-h.bytes); err != nil {
		return crowded(err, tooMuchInFlight)
	}
	h.bytes = bytes
	return nil
}

func (h *held) free() { h.of.GiveBack(h.client, h.bytes) }
