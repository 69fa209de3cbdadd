package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/hashicorp/yamux"

	"vivarium/sandbox/stdio"
	"vivarium/sandbox/wire"
)

// ErrClosed is returned by the methods of a Sandbox that has been closed.
var ErrClosed = errors.New("the sandbox is closed")

// Sandbox is one running container. Its methods are not for concurrent use, except
// Offer and Close.
type Sandbox struct {
	engine   *Engine
	id       string
	spec     Spec
	session  *yamux.Session
	stderr   *stdio.Tail
	warnings []string // what the engine said of settings that it left out

	gone        chan struct{} // closed when the engine has removed the container
	exitCode    int           // PID 1's; valid once gone is closed
	cut         chan struct{} // closed in place of gone when the engine cannot tell how the container ended
	adrift      atomic.Bool   // the wait for the end broke, and no new wait has begun
	broke       atomic.Int64  // when that wait last broke, Unix nanoseconds
	forged      atomic.Bool   // the session brought bytes that PID 1 did not send
	outlivedOOM atomic.Bool   // PID 1 has reported that the OOM killer took a command's process
	stopWaiting context.CancelFunc
	background  sync.WaitGroup

	once     sync.Once
	closeErr error

	mu       sync.Mutex
	closed   bool
	services map[uint32]*Service
	next     uint32 // number of the last service
}

// ContainerID is the engine's name for the sandbox.
func (s *Sandbox) ContainerID() string { return s.id }

// closeTimeout bounds the wait for a container to end by itself. One of gVisor under emulation
// takes seconds.
const closeTimeout = 20 * time.Second

// Close ends the session and waits until the container is gone, with all that is in it. It may be
// called twice.
func (s *Sandbox) Close() error {
	s.once.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

// Release closes the sandbox without waiting until the container is gone: its caller has all
// results. Engine.Close waits for that. Errors are logged.
func (s *Sandbox) Release() {
	s.engine.released.Go(func() {
		if err := s.Close(); err != nil {
			s.engine.log.Warn("cannot close a sandbox", "container", s.id, "err", err)
		}
	})
}

func (s *Sandbox) close() error {
	s.mu.Lock()
	s.closed = true
	services := s.services
	s.services = nil
	s.mu.Unlock()
	for _, service := range services {
		service.stop()
	}
	s.session.Close()
	return s.finish()
}

func (s *Sandbox) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// finish waits until the container is gone, and removes it when it does not go by itself.
func (s *Sandbox) finish() error {
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-s.gone:
	case <-s.cut:
	case <-timer.C:
	}
	return s.remove()
}

// abandon removes a container that did not start.
func (s *Sandbox) abandon() {
	if s.session != nil {
		s.session.Close()
	}
	if err := s.remove(); err != nil {
		s.engine.log.Warn("cannot remove a container that did not start", "container", s.id, "err", err)
	}
}

// remove makes sure that the container is gone, and ends what ran beside it.
func (s *Sandbox) remove() error {
	defer s.background.Wait()
	defer s.stopWaiting()
	select {
	case <-s.gone:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return removeContainer(ctx, s.engine.cli, s.id)
}

type remover interface {
	ContainerRemove(ctx context.Context, id string, o container.RemoveOptions) error
}

// removeContainer removes a container with what is in it. It is also a success when the container
// is gone already, or the engine itself is removing it.
func removeContainer(ctx context.Context, cli remover, id string) error {
	err := cli.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err == nil || errdefs.IsNotFound(err) || errdefs.IsConflict(err) {
		return nil
	}
	return fmt.Errorf("remove container %.12s: %w", id, err)
}

// Extend moves PID 1's deadline. A repository may set a shorter timeout, which is known once the
// sandbox has its files.
func (s *Sandbox) Extend(ctx context.Context, deadline time.Time) error {
	_, err := s.ask(ctx, wire.Request{Extend: &wire.Extend{TTL: time.Until(deadline)}})
	if err != nil {
		return s.why(ctx, "move the sandbox's deadline", err)
	}
	return nil
}

// RefusedError says that limits cannot be lowered to what was asked for.
type RefusedError struct{ err error }

func (e *RefusedError) Error() string { return "lower the sandbox's limits: " + e.err.Error() }
func (e *RefusedError) Unwrap() error { return e.err }

// ErrFixedLimits says that the runtime cannot change the limits of a running sandbox: start one
// with lower limits.
var ErrFixedLimits = errors.New("gVisor's limits are fixed when a sandbox starts")

// Lower lowers the running container's limits of memory, CPUs and pids in one update. A limit of
// zero stays as it is. A *RefusedError means that the values cannot be set, for example since more
// is in use. Any other error is the engine's or the sandbox's.
func (s *Sandbox) Lower(ctx context.Context, l Limits) error {
	resources, err := lowered(s.spec.Limits, l)
	if err != nil {
		return &RefusedError{err}
	}
	if IsGVisor(s.spec.Runtime) {
		return ErrFixedLimits
	}
	_, err = s.engine.cli.ContainerUpdate(ctx, s.id, container.UpdateConfig{Resources: resources})
	switch {
	case err == nil:
		return nil
	case ctx.Err() == nil && !s.session.IsClosed() && (errdefs.IsInvalidArgument(err) || moreInUse(err)):
		return &RefusedError{err}
	}
	return s.why(ctx, "lower the sandbox's limits", err)
}

// moreInUse reports whether the kernel refused a limit because more is in use already. The engine
// reports this as its own failure, in the words of runc 1.1 or of the kernel. With version 2 of
// cgroups the kernel never refuses: it reclaims memory, and then kills.
func moreInUse(err error) bool {
	return strings.Contains(err.Error(), "unable to set memory limit to") ||
		strings.Contains(err.Error(), syscall.EBUSY.Error())
}

// lowered returns the settings for one update from have to want.
func lowered(have, want Limits) (container.Resources, error) {
	var r container.Resources
	if want.Memory > have.Memory || want.CPUs > have.CPUs || want.Pids > have.Pids {
		return r, errors.New("a limit would be raised")
	}
	merged := have
	if want.Memory > 0 {
		merged.Memory = want.Memory
		r.Memory = want.Memory + have.Disk
		r.MemorySwap = r.Memory
	}
	if want.CPUs > 0 {
		merged.CPUs = want.CPUs
		r.NanoCPUs = int64(want.CPUs * 1e9)
	}
	if want.Pids > 0 {
		merged.Pids = want.Pids
		r.PidsLimit = &want.Pids
	}
	return r, merged.Check()
}
