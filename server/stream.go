package server

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// slowReader is how long a client may take to read one batch. A slower one is cut off, and may
// resume where it was.
const slowReader = 30 * time.Second

// stream is an answer that is written while it is made.
type stream struct {
	w    http.ResponseWriter
	conn *http.ResponseController
}

func newStream(w http.ResponseWriter) stream {
	return stream{w: w, conn: http.NewResponseController(w)}
}

// send writes p and hands it to the network.
func (s stream) send(p []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(slowReader)); err != nil {
		return fmt.Errorf("bound the time for a batch: %w", err)
	}
	if _, err := s.w.Write(p); err != nil {
		return err
	}
	return s.conn.Flush()
}

// Write is send, for a writer with a buffer of its own.
func (s stream) Write(p []byte) (int, error) {
	if err := s.send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// finish ends a stream. A reader that left, or was too slow, is not the server's failure.
func (s *Server) finish(ctx context.Context, build int64, err error) {
	if err != nil {
		s.log.DebugContext(ctx, "log stream ended early", "build", build, "err", err)
	}
}
