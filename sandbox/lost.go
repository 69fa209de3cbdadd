package sandbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/api/types/events"

	"vivarium/sandbox/wire"
)

// LostError says that PID 1 ended while it was still needed, and what the engine knows of it.
type LostError struct {
	ExitCode  int
	OOMKilled bool   // the engine says that it ran out of memory; false where another reason is known
	Forged    bool   // something wrote into the session in PID 1's place
	Deadline  bool   // PID 1 ended the container itself at its deadline
	Stderr    string // PID 1's last words, bounded
}

// exitKilled is the exit code that the engine gives to a container ended by SIGKILL: 128 plus the
// signal's number. PID 1 itself never exits with it.
const exitKilled = 128 + 9

func (e *LostError) Error() string {
	var b strings.Builder
	switch {
	case e.Forged:
		b.WriteString("something in the sandbox wrote into PID 1's session, which ended it")
	case e.Deadline:
		b.WriteString("the sandbox reached its deadline")
	case e.OOMKilled:
		b.WriteString("the sandbox ran out of memory")
	case e.ExitCode == exitKilled:
		fmt.Fprintf(&b,
			"the sandbox was ended by SIGKILL (exit code %d); the kernel log of the engine's host says whether "+
				"for memory", e.ExitCode)
	default:
		fmt.Fprintf(&b, "the sandbox ended by itself with exit code %d", e.ExitCode)
	}
	if e.Stderr != "" {
		fmt.Fprintf(&b, "; PID 1 said: %s", e.Stderr)
	}
	return b.String()
}

// lostTimeout bounds the wait for the engine's account of a container that ended.
const lostTimeout = 5 * time.Second

// lost explains why the session ended. err is the error by which that was noticed.
func (s *Sandbox) lost(ctx context.Context, err error) error {
	if s.isClosed() {
		return ErrClosed
	}
	ctx, cancel := context.WithTimeout(ctx, lostTimeout)
	defer cancel()
	select {
	case <-s.gone:
	case <-s.cut:
		return fmt.Errorf("%w: %w", ErrCut, err)
	case <-ctx.Done():
		if s.adrift.Load() { // nor does the engine answer
			return fmt.Errorf("%w: %w", ErrCut, err)
		}
		return fmt.Errorf("%w: %w", ErrUnexplained, err)
	}
	l := &LostError{
		ExitCode: s.exitCode,
		Forged:   s.forged.Load(),
		Deadline: s.exitCode == wire.ExitDeadline,
		Stderr:   s.stderr.String(),
	}
	// The events cover the container's whole life. Once PID 1 has outlived one out-of-memory kill,
	// they say nothing about PID 1's own end.
	l.OOMKilled = !l.Forged && !l.Deadline && !s.outlivedOOM.Load() && s.endedByOOM(ctx)
	// The session and the wait broke together.
	if l.Unclear() && time.Since(time.Unix(0, s.broke.Load())) < 2*lostTimeout {
		return fmt.Errorf("%w: %w", ErrCut, err)
	}
	return l
}

// endedByOOM looks for an out-of-memory event among the container's events, of which removal is the
// last. When somebody has the engine kill the container, such an event belongs to an earlier
// command.
func (s *Sandbox) endedByOOM(ctx context.Context) (struck bool) {
	s.history(ctx, func(m events.Message) (last bool) {
		switch m.Action {
		case events.ActionOOM:
			struck = true
		case events.ActionKill:
			struck = false
			return true
		case events.ActionDestroy:
			return true
		}
		return false
	})
	return struck
}
