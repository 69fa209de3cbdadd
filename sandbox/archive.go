package sandbox

import (
	"context"
	"errors"
	"io"
	"sync"

	"vivarium/sandbox/wire"
)

// PutArchive unpacks a tar into dir. No entry of the tar may lie outside dir.
func (s *Sandbox) PutArchive(ctx context.Context, dir string, tar io.Reader) error {
	const act = "put archive"
	call, err := s.call(wire.Request{Put: &wire.Put{Dir: dir}})
	if err != nil {
		return s.why(ctx, act, err)
	}
	defer call.stream.Close()
	defer call.unblock(ctx)()

	// PID 1 answers at once when it refuses an entry. Sending ends then.
	var answer error
	var answered sync.WaitGroup
	refused, cancel := context.WithCancel(ctx)
	defer cancel()
	answered.Go(func() {
		if _, answer = call.reply(); answer != nil {
			cancel()
		}
	})
	defer call.unblock(refused)()
	sendErr := send(refused, call.out, tar)
	var broken *sourceError
	if errors.As(sendErr, &broken) {
		call.stream.Close() // PID 1 takes an archive without its end as cut off
	}
	answered.Wait()
	switch {
	case broken != nil:
		return s.why(ctx, act, broken.err)
	case answer != nil:
		return s.why(ctx, act, answer)
	}
	return nil
}

// sourceError is a failure to read what was to be sent.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }

// send sends all of r as data frames.
func send(ctx context.Context, out *wire.Writer, r io.Reader) error {
	buf := wire.Buffer()
	for ctx.Err() == nil {
		n, err := io.ReadFull(r, buf[wire.HeadSize:])
		if n > 0 {
			if err := out.Data(wire.KindData, buf[:wire.HeadSize+n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return out.End()
		}
		if err != nil {
			return &sourceError{err}
		}
	}
	return ctx.Err()
}

// Archive packs paths (relative to dir) into a tar. It is hostile input. The reader
// must be closed before the next operation.
func (s *Sandbox) Archive(ctx context.Context, dir string, paths ...string) (io.ReadCloser, error) {
	call, err := s.call(wire.Request{Archive: &wire.Archive{Dir: dir, Paths: bytesOf(paths)}})
	if err != nil {
		return nil, s.why(ctx, "get archive", err)
	}
	return &archiveReader{ctx: ctx, sandbox: s, call: call, stop: call.unblock(ctx)}, nil
}

// archiveReader reads data frames up to the reply.
type archiveReader struct {
	ctx     context.Context // of the one operation that this reader is
	sandbox *Sandbox
	call    *call
	stop    func() bool
	left    []byte
	err     error
}

func (a *archiveReader) Read(p []byte) (int, error) {
	for len(a.left) == 0 {
		if a.err != nil {
			return 0, a.err
		}
		a.next()
	}
	n := copy(p, a.left)
	a.left = a.left[n:]
	return n, nil
}

func (a *archiveReader) next() {
	kind, p, err := a.call.in.Next()
	switch {
	case err != nil:
		err = noEOF(err)
	case kind == wire.KindData:
		a.left = p
		return
	case kind == wire.KindHeader:
		err = endOfArchive(p)
	default:
		err = errProtocol
	}
	if err != io.EOF {
		err = a.sandbox.why(a.ctx, "get archive", err)
	}
	a.err = err
}

// endOfArchive is io.EOF when PID 1 says that it is complete.
func endOfArchive(p []byte) error {
	var reply wire.Reply
	if err := wire.Decode(p, &reply); err != nil {
		return err
	}
	if reply.Error != "" {
		return guestError(reply)
	}
	return io.EOF
}

// Close ends the operation, complete or not.
func (a *archiveReader) Close() error {
	a.stop()
	return a.call.stream.Close()
}
