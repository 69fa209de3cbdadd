package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/buildlog"
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
)

// reader gets a build's log as it is committed. Its methods are called from one goroutine; an error
// from any of them ends the stream. A reader that blocks delays only itself: what it has not read
// stays in the store.
type reader interface {
	// chunks come in order, without holes, and are never empty.
	chunks([]buildlog.Chunk) error
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

// follow gives r the log of a build after a sequence number, and all that comes. It ends when the
// build ends, the reader leaves or may no longer look, or the server stops.
func (s *Server) follow(ctx context.Context, build, after int64, r reader) error {
	wake, stop := s.builds.Logs.Watch(build)
	defer stop()
	beat := time.NewTicker(s.bounds.beat)
	defer beat.Stop()
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	f := &follower{server: s, build: build, after: after, reader: r}
	for why := committed; ; why = f.await(ctx, wake, beat.C, look.C) {
		over, err := f.step(ctx, why)
		if over || err != nil {
			return err
		}
	}
}

// follower is how far one reader is in a build's log.
type follower struct {
	server  *Server
	build   int64
	after   int64 // the last chunk that the reader has
	reader  reader
	state   pipeline.State // of the build, as last read
	omitted int64          // bytes, as the reader was last told
}

// reason is why a follower does something.
type reason int

const (
	committed reason = iota // there may be more of the build
	beatDue
	lookDue
	readerLeft
	serverStops
)

// await waits for the next reason.
func (f *follower) await(ctx context.Context, wake <-chan struct{}, beat, look <-chan time.Time) reason {
	select {
	case <-ctx.Done():
		return readerLeft
	case <-f.server.draining:
		return serverStops
	case <-wake:
		return committed
	case <-beat:
		return beatDue
	case <-look:
		return lookDue
	}
}

// step does what a reason asks for. over says that nothing follows.
func (f *follower) step(ctx context.Context, why reason) (over bool, err error) {
	switch {
	case why == readerLeft:
		return true, nil
	case why == serverStops:
		return true, f.reader.stopping()
	case why == beatDue:
		return f.beat(ctx)
	case why == lookDue && f.state != pipeline.Queued:
		return false, f.tellOmitted()
	}
	err = f.pull(ctx, f.server.draining)
	if errors.Is(err, errDraining) {
		return true, f.reader.stopping()
	}
	return f.state.Ended(), err
}

// beat ends the stream of a reader who may no longer look.
func (f *follower) beat(ctx context.Context) (over bool, err error) {
	if still, err := f.server.still(ctx, viewerOf(ctx)); !still {
		return true, err
	}
	return false, f.reader.beat()
}

func (f *follower) tellOmitted() error {
	n := f.server.builds.Logs.Omitting(f.build)
	if n == f.omitted {
		return nil
	}
	f.omitted = n
	return f.reader.omitted(n)
}

// errDraining means that a follower must be told to come back.
var errDraining = errors.New("the server goes down")

// pull gives the reader everything that is committed. It ends early when stop, which may be nil, is
// closed. It reads the build before its chunks: when the build has ended by then, all its chunks
// are found.
func (f *follower) pull(ctx context.Context, stop <-chan struct{}) error {
	b, err := f.server.builds.Builds.Visible(ctx, f.build, viewerOf(ctx).sight)
	if err != nil {
		return fmt.Errorf("read build %d: %w", f.build, err)
	}
	for {
		chunks, err := f.server.builds.Logs.Chunks(ctx, f.build, f.after, pullBytes)
		if err != nil {
			return fmt.Errorf("read the log of build %d after %d: %w", f.build, f.after, err)
		}
		if len(chunks) == 0 {
			f.state = b.State
			return f.reader.build(b)
		}
		if err := f.reader.chunks(chunks); err != nil {
			return err
		}
		f.after = chunks[len(chunks)-1].Seq
		select {
		case <-stop:
			return errDraining
		default:
		}
	}
}
