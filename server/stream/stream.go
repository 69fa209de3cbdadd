// Package stream is an answer that is written while it is made, to a client that may be slow.
package stream

import (
	"fmt"
	"net/http"
	"time"
)

// slowReader is how long a client may take to read one batch. A slower one is cut off, and may
// resume where it was.
const slowReader = 30 * time.Second

// Stream is one answer.
type Stream struct {
	w    http.ResponseWriter
	conn *http.ResponseController
}

// New begins an answer.
func New(w http.ResponseWriter) Stream {
	return Stream{w: w, conn: http.NewResponseController(w)}
}

// Send writes p and hands it to the network.
func (s Stream) Send(p []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(slowReader)); err != nil {
		return fmt.Errorf("bound the time for a batch: %w", err)
	}
	if _, err := s.w.Write(p); err != nil {
		return err
	}
	return s.conn.Flush()
}

// Write is Send, for a writer with a buffer of its own.
func (s Stream) Write(p []byte) (int, error) {
	if err := s.Send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}
