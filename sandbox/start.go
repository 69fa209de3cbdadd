package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"vivarium/sandbox/stdio"
	"vivarium/sandbox/wire"
)

// ErrNoImage is returned by Start when the engine does not have the image.
var ErrNoImage = errors.New("no such image")

// Start makes a sandbox and waits until its PID 1 answers.
func (e *Engine) Start(ctx context.Context, spec Spec) (*Sandbox, error) {
	if err := spec.check(e.info); err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	spec.Limits.Sockets = SocketShare(spec.Limits.Memory, spec.Runtime, e.info)
	spec.withoutIPv6 = e.withoutIPv6.Load()
	s, err := e.start(ctx, spec)
	if err != nil && !spec.withoutIPv6 && lacksIPv6(err) {
		if e.withoutIPv6.CompareAndSwap(false, true) {
			e.log.Warn("builds have no IPv6 address of their own (::1): the engine cannot give them one", "err", err)
		}
		spec.withoutIPv6 = true
		s, err = e.start(ctx, spec)
	}
	return s, err
}

// lacksIPv6 reports whether an engine says that it could not switch on a sandbox's IPv6: it names
// the setting, or the file in /proc/sys that a kernel without IPv6 does not have.
func lacksIPv6(err error) bool { return strings.Contains(err.Error(), "disable_ipv6") }

func (e *Engine) start(ctx context.Context, spec Spec) (*Sandbox, error) {
	spec, created, err := e.create(ctx, spec)
	if errdefs.IsNotFound(err) {
		return nil, fmt.Errorf("start sandbox: %w: %s", ErrNoImage, spec.Image)
	}
	if err != nil {
		return nil, fmt.Errorf("create sandbox container: %w", err)
	}
	s := &Sandbox{
		engine:   e,
		id:       created.ID,
		spec:     spec,
		warnings: created.Warnings,
		stderr:   new(stdio.Tail),
		gone:     make(chan struct{}),
		cut:      make(chan struct{}),
		services: make(map[uint32]*Service),
	}
	if err := s.open(ctx); err != nil {
		err = s.startError(ctx, err)
		s.abandon()
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	return s, nil
}

// open attaches to the container and begins to wait for its end. It does both before the container
// runs, so that neither its first nor its last output is missed.
func (s *Sandbox) open(ctx context.Context) error {
	detached, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopWaiting = stop
	if err := s.attachAndWait(ctx, detached); err != nil {
		return err
	}
	if err := s.engine.cli.ContainerStart(ctx, s.id, container.StartOptions{}); err != nil {
		return fmt.Errorf("start container: %w", orCut(err))
	}
	s.background.Go(s.accept)
	return s.greet(ctx)
}

func (s *Sandbox) attachAndWait(ctx, detached context.Context) error {
	var attached error
	var both sync.WaitGroup
	both.Go(func() { attached = s.attach(ctx) })
	// The wait itself outlasts ctx. Only the engine's answer that it has begun to wait must come
	// before ctx ends.
	answered := context.AfterFunc(ctx, s.stopWaiting)
	results, failures := s.engine.cli.ContainerWait(detached, s.id, container.WaitConditionRemoved)
	answered()
	s.background.Go(func() { s.follow(detached, results, failures) })
	both.Wait()
	return attached
}

func (s *Sandbox) attach(ctx context.Context) error {
	stop := func() bool { return true }
	watched := context.WithValue(ctx, onDial{}, func(conn net.Conn) {
		stop = context.AfterFunc(ctx, func() { conn.Close() })
	})
	conn, err := s.engine.cli.ContainerAttach(watched, s.id,
		container.AttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	stop()
	if err != nil {
		return fmt.Errorf("attach to container: %w", orCut(err))
	}
	session, err := wire.Host(stdio.NewConn(conn.Conn, conn.Reader, s.stderr), func() { s.forged.Store(true) })
	if err != nil {
		conn.Close()
		return fmt.Errorf("open session: %w", err)
	}
	s.session = session
	return nil
}

// greet waits for PID 1 and tells it what it must watch.
func (s *Sandbox) greet(ctx context.Context) error {
	reply, err := s.ask(ctx, wire.Request{Hello: &wire.Hello{
		Version: wire.Version,
		TTL:     time.Until(s.spec.Deadline),
		Mounts:  mounts,
		Folder:  Workspace,
		Disk:    s.spec.Limits.Disk,
		Inodes:  s.spec.Limits.Inodes,
		Pids:    countedPids(s.spec),
		Sockets: s.spec.Limits.Sockets,
	}})
	if err != nil {
		return fmt.Errorf("greet PID 1: %w", err)
	}
	if reply.Welcome == nil || reply.Welcome.Version != wire.Version {
		return errors.New("greet PID 1: its answer is not a welcome")
	}
	return nil
}

// startError returns the reason why ctx ended, if it has; else err with PID 1's own words.
func (s *Sandbox) startError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.session != nil && s.session.IsClosed() {
		select {
		case <-s.cut:
			return fmt.Errorf("%w: %w", ErrCut, err)
		case <-s.gone:
		case <-time.After(time.Second): // both connections end at about the same time
		}
	}
	if words := s.stderr.String(); words != "" {
		return fmt.Errorf("%w; PID 1 said: %s", err, words)
	}
	return err
}
