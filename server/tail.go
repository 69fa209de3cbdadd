package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store"
)

const (
	// pullBytes is how much of a log is read and written at a time.
	pullBytes = 256 << 10
	// beatInterval keeps proxies from closing a silent stream, which many do after
	// 30 or 60 seconds.
	beatInterval = 15 * time.Second
	// lookInterval is how often the server checks what no commit of the build announces: the
	// running count of left-out bytes, and the place in the queue.
	lookInterval = time.Second
	// slowReader is how long a client may take to read one batch. A slower one is cut off, and may
	// resume where it was.
	slowReader = 30 * time.Second
)

// reader gets a build's log as it is committed. Its methods are called from one goroutine; an error
// from any of them ends the stream. A reader that blocks delays only itself: what it has not read
// stays in the store.
type reader interface {
	// chunks come in order, without holes, and are never empty.
	chunks([]store.Chunk) error
	// build comes after the chunks that were committed before the build was read. If the build has
	// ended, this is the last call, and the reader has every chunk.
	build(pipeline.Build) error
	// omitted says how many bytes the running attempt has left out so far.
	omitted(bytes int64) error
	// beat is called every beatInterval.
	beat() error
	// stopping is the last call when the server stops before the build has ended.
	stopping() error
}

// tail gives r the log of a build after a sequence number, and all that follows. It ends when the
// build ends, the reader leaves or may no longer look, or the server stops.
func (s *Server) tail(ctx context.Context, build, after int64, r reader) error {
	wake, stop := s.builds.Watch(build)
	defer stop()
	beat := time.NewTicker(s.bounds.beat)
	defer beat.Stop()
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	var omitted int64
	for {
		state, err := s.pull(ctx, build, &after, r, s.draining)
		if errors.Is(err, errDraining) {
			return r.stopping()
		}
		if err != nil || state.Ended() {
			return err
		}
	waiting:
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-s.draining:
				return r.stopping()
			case <-wake:
				break waiting
			case <-beat.C:
				if still, err := s.still(ctx, viewerOf(ctx)); !still {
					return err
				}
				if err := r.beat(); err != nil {
					return err
				}
			case <-look.C:
				if state == pipeline.Queued {
					break waiting
				}
				if n := s.builds.Omitting(build); n != omitted {
					omitted = n
					if err := r.omitted(n); err != nil {
						return err
					}
				}
			}
		}
	}
}

// errDraining means that a follower must be told to come back.
var errDraining = errors.New("the server goes down")

// pull gives r everything that is committed; it ends early when stop, which may be nil, is closed.
// It reads the build before its chunks: when the build has ended by then, all its chunks are found.
func (s *Server) pull(ctx context.Context, build int64, after *int64, r reader,
	stop <-chan struct{}) (pipeline.State, error) {
	b, err := s.builds.Visible(ctx, build, viewerOf(ctx).sight)
	if err != nil {
		return "", fmt.Errorf("read build %d: %w", build, err)
	}
	for {
		chunks, err := s.builds.Chunks(ctx, build, *after, pullBytes)
		if err != nil {
			return "", fmt.Errorf("read the log of build %d after %d: %w", build, *after, err)
		}
		if len(chunks) == 0 {
			return b.State, r.build(b)
		}
		if err := r.chunks(chunks); err != nil {
			return "", err
		}
		*after = chunks[len(chunks)-1].Seq
		select {
		case <-stop:
			return "", errDraining
		default:
		}
	}
}

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

// finish ends a stream. A reader that left, or was too slow, is not the server's failure.
func (s *Server) finish(ctx context.Context, build int64, err error) {
	if err != nil {
		s.log.DebugContext(ctx, "log stream ended early", "build", build, "err", err)
	}
}
