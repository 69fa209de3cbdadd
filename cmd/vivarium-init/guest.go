//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
	"golang.org/x/sys/unix"

	"vivarium/sandbox/wire"
)

// maxOps is how many requests are served at one time; each blocks in at most one system call.
const maxOps = 6

// flushGrace is how long the last results may take to reach the host after the deadline.
const flushGrace = 10 * time.Second

// guest serves a session's requests.
type guest struct {
	session  *yamux.Session
	procs    *processes
	deadline *deadline

	command sync.Mutex     // held by the one running command
	leaving sync.WaitGroup // results on their way to the host

	mu    sync.Mutex
	hello *wire.Hello // nil until the host has sent it
}

func newGuest(session *yamux.Session, procs *processes) *guest {
	return &guest{session: session, procs: procs, deadline: newDeadline()}
}

// serve returns an exit code when the session has ended or the deadline has passed.
func (g *guest) serve() int {
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.accept()
	}()
	select {
	case <-g.session.CloseChan():
		return 0
	case <-g.deadline.passed:
	}
	_ = g.session.GoAway()
	idle := make(chan struct{})
	go func() {
		g.command.Lock() // the deadline ends the running command too, and its result is sent first
		g.leaving.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-g.session.CloseChan():
	case <-time.After(killGrace + flushGrace):
	}
	return wire.ExitDeadline
}

func (g *guest) accept() {
	slots := make(chan struct{}, maxOps)
	for {
		stream, err := g.session.AcceptStream()
		if err != nil {
			return
		}
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			defer stream.Close()
			g.serveStream(stream)
		}()
	}
}

// operation is one request being served.
type operation struct {
	stream *yamux.Stream
	in     *wire.Reader
	out    *wire.Writer
	sent   func() // called once the reply has been sent
}

func (g *guest) serveStream(stream *yamux.Stream) {
	op := &operation{stream: stream, in: wire.NewReader(stream), out: wire.NewWriter(stream), sent: func() {}}
	defer func() { op.sent() }()
	var req wire.Request
	if err := op.in.Header(&req); err != nil {
		return
	}
	reply, err := g.dispatch(op, &req)
	if err != nil {
		reply = wire.Reply{Error: err.Error(), NoSpace: errors.Is(err, unix.ENOSPC)}
	}
	_ = op.out.Header(reply) // the host may have gone
}

func (g *guest) dispatch(op *operation, req *wire.Request) (wire.Reply, error) {
	if req.Hello != nil {
		return g.greet(req.Hello)
	}
	hello := g.greeted()
	if hello == nil {
		return wire.Reply{}, errors.New("no hello yet")
	}
	switch {
	case req.Extend != nil:
		return wire.Reply{}, g.deadline.set(req.Extend.TTL)
	case req.Run != nil:
		return g.run(op, req.Run, hello)
	case req.Listen != nil:
		return g.listen(op, req.Listen)
	case req.Put != nil:
		return wire.Reply{}, put(op, req.Put)
	case req.Archive != nil:
		return wire.Reply{}, archive(op, req.Archive)
	case req.Survey != nil:
		return wire.Reply{}, survey(op, req.Survey)
	case req.Read != nil:
		return wire.Reply{}, readFiles(op, req.Read)
	}
	return wire.Reply{}, errors.New("unknown request")
}

func (g *guest) greet(h *wire.Hello) (wire.Reply, error) {
	if h.Version != wire.Version {
		return wire.Reply{}, fmt.Errorf("protocol version %d is asked for, this vivarium-init speaks %d", h.Version,
			wire.Version)
	}
	if err := g.deadline.set(h.TTL); err != nil {
		return wire.Reply{}, err
	}
	if h.Sockets > 0 {
		if err := checkSockets(); err != nil {
			return wire.Reply{}, err
		}
	}
	if err := os.Mkdir(h.Folder, 0o755); err != nil {
		return wire.Reply{}, fmt.Errorf("make the folder of the checkout: %w", err)
	}
	g.mu.Lock()
	g.hello = h
	g.mu.Unlock()
	return wire.Reply{Welcome: &wire.Welcome{Version: wire.Version}}, nil
}

func (g *guest) greeted() *wire.Hello {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.hello
}

// canceled returns a context that ends when the host closes its side of the stream. Whatever the
// host still sends is discarded.
func (op *operation) canceled() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, op.stream)
		cancel()
	}()
	return ctx, cancel
}
