package server

import (
	"errors"
	"io"
)

// maxInFlight bounds what the bodies of all deliveries at one time may hold of memory, in
// bytes. Whether a body is signed is known only when all of it has been read, so anybody
// can send one. 200 at once of GitHub's usual 20 KB hold 6 MiB.
const maxInFlight = 256 << 20

// bodyStep is by how much a buffer grows at first, in bytes.
const bodyStep = 32 << 10

const tooMuchInFlight = "too many deliveries%s at once: redeliver this one from the webhook's page on GitHub"

// held is one body's part of the memory of those that are being read or worked on.
type held struct {
	of     *shares // in bytes
	client string
	bytes  int64
}

// readAll reads to the end, and gives up when all bodies together would hold too much.
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

// take makes the body's part as large as given.
func (h *held) take(bytes int64) error {
	if err := h.of.take(h.client, bytes-h.bytes); err != nil {
		return crowded(err, tooMuchInFlight)
	}
	h.bytes = bytes
	return nil
}

func (h *held) free() { h.of.giveBack(h.client, h.bytes) }
