package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hashicorp/yamux"

	"vivarium/sandbox/wire"
)

// GuestError is PID 1's answer that it could not do something.
type GuestError struct {
	Message string
	NoSpace bool // because a disk is full
}

func (e *GuestError) Error() string { return e.Message }

// maxMessage bounds a message from inside, bytes.
const maxMessage = 4 << 10

func guestError(r wire.Reply) error {
	message := r.Error
	if len(message) > maxMessage {
		message = message[:maxMessage]
	}
	return &GuestError{Message: strings.ToValidUTF8(message, "\uFFFD"), NoSpace: r.NoSpace}
}

// errProtocol means that PID 1 sent what it never should.
var errProtocol = errors.New("unexpected answer from PID 1")

// call is one operation's stream.
type call struct {
	stream *yamux.Stream
	in     *wire.Reader
	out    *wire.Writer
}

// call opens a stream and sends the request on it.
func (s *Sandbox) call(req wire.Request) (*call, error) {
	stream, err := s.session.OpenStream()
	if err != nil {
		return nil, err
	}
	c := &call{stream: stream, in: wire.NewReader(stream), out: wire.NewWriter(stream)}
	if err := c.out.Header(req); err != nil {
		stream.Close()
		return nil, err
	}
	return c, nil
}

// reply reads the next frame, which must be a reply.
func (c *call) reply() (wire.Reply, error) {
	var r wire.Reply
	if err := c.in.Header(&r); err != nil {
		return r, noEOF(err)
	}
	if r.Error != "" {
		return r, guestError(r)
	}
	return r, nil
}

// noEOF turns the end of a stream that should have gone on into an error, so that it is not taken
// for a regular end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// unblock makes reads and writes of the call end when ctx does.
func (c *call) unblock(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = c.stream.SetDeadline(time.Unix(1, 0)) })
}

// ask makes a call of one request and one reply.
func (s *Sandbox) ask(ctx context.Context, req wire.Request) (wire.Reply, error) {
	c, err := s.call(req)
	if err != nil {
		return wire.Reply{}, err
	}
	defer c.stream.Close()
	defer c.unblock(ctx)()
	return c.reply()
}

// why turns an operation's failure into the error for its caller: the reason for the cancellation,
// the loss of PID 1, or the failure itself.
func (s *Sandbox) why(ctx context.Context, act string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.session.IsClosed() {
		err = s.lost(ctx, err)
	}
	return fmt.Errorf("%s: %w", act, err)
}
