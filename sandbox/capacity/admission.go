// Package capacity says when one more sandbox may begin: when the engine answers and its memory has
// room for one.
package capacity

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"vivarium/sandbox"
	"vivarium/sandbox/quantity"
)

// lookAgain is how often those who wait look whether another server's sandbox is gone.
const lookAgain = time.Second

// listTimeout bounds the look at what others run.
const listTimeout = 15 * time.Second

// longestWait is how long this server's first build waits for sandboxes of others:
// VIVARIUM_TIMEOUT's 15 minutes and a minute's grace. By then the sandboxes that it found have
// ended, or they are no sandboxes.
const longestWait = 16 * time.Minute

// Admission lets sandboxes of one size begin as long as everything fits the engine's memory less a
// reserve: this server's sandboxes, those that others run on the same engine, and what other
// containers hold beyond the reserve.
type Admission struct {
	need, usable, reserve int64
	others                func(context.Context) (sandbox.Others, error)
	answers               func(context.Context) // waits until the engine answers
	warn                  func(message string, args ...any)

	mu    sync.Mutex
	held  int64         // by those who were let in and have not left
	blind bool          // the last look at the others missed a container, which has been logged
	freed chan struct{} // closed when somebody leaves, and replaced
}

// NewAdmission is for an instance's sandboxes with these limits. reserve means the same as for
// Check. While the watched engine does not answer, no sandbox is let in.
func NewAdmission(
	e *sandbox.Engine,
	w *Watch,
	instance string,
	l sandbox.Limits,
	reserve int64,
	log *slog.Logger,
) *Admission {
	most := usable(e.Info(), reserve)
	return &Admission{
		need: l.Whole(), usable: most, reserve: e.Info().Memory - most, freed: make(chan struct{}), warn: log.Warn,
		answers: w.Await,
		others:  func(ctx context.Context) (sandbox.Others, error) { return e.Others(ctx, instance) },
	}
}

// Enter waits until one more sandbox fits, or ctx ends. The caller calls leave once, when the
// sandbox is gone.
func (a *Admission) Enter(ctx context.Context) (leave func()) {
	began := time.Now()
	for told := false; ctx.Err() == nil; {
		others := a.othersOnceAnswered(ctx)
		freed, ok := a.admit(others, time.Since(began))
		if ok {
			return sync.OnceFunc(a.leave)
		}
		if !told {
			told = true
			a.warn("builds wait for memory", "sandbox", quantity.Bytes(a.need), "sandboxes_of_others",
				quantity.Bytes(others.Sandboxes), "other_containers", quantity.Bytes(others.Rest), "usable",
				quantity.Bytes(a.usable))
		}
		select {
		case <-freed:
		case <-time.After(lookAgain):
		case <-ctx.Done():
		}
	}
	return func() {}
}

// othersOnceAnswered asks until the engine answers. An answer may be an error of the engine's own:
// that does not hold builds back, and neither does a container that cannot be looked at.
func (a *Admission) othersOnceAnswered(ctx context.Context) sandbox.Others {
	for {
		a.answers(ctx)
		asked, cancel := context.WithTimeout(ctx, listTimeout)
		o, err := a.others(asked)
		silent := err != nil && (sandbox.IsSilent(err) || asked.Err() != nil)
		cancel()
		if ctx.Err() != nil {
			return o
		}
		a.tell(errors.Join(err, o.Unseen))
		if !silent {
			return o
		}
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
		}
	}
}

// tell logs that a look missed a container, once until a look misses none.
func (a *Admission) tell(err error) {
	a.mu.Lock()
	news := err != nil && !a.blind
	a.blind = err != nil
	a.mu.Unlock()
	if news {
		a.warn("cannot see all that others hold of the engine's memory; what cannot be seen is not counted", "err", err)
	}
}

// admit lets a sandbox in that has waited this long, if it fits.
func (a *Admission) admit(o sandbox.Others, waited time.Duration) (freed <-chan struct{}, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	// A single sandbox always may begin on any engine: at the start, Check has refused limits that
	// cannot fit. So this server's first sandbox does not wait for containers that may never end.
	// Nor does it wait for ever for sandboxes of others that follow each other, since anybody who
	// shares the engine can run containers that look like sandboxes.
	held := a.held + o.Sandboxes
	first := held == 0 || a.held == 0 && (held+a.need <= a.usable || waited >= longestWait)
	if ok = first || held+max(0, o.Rest-a.reserve)+a.need <= a.usable; ok {
		a.held += a.need
	}
	return a.freed, ok
}

func (a *Admission) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held -= a.need
	close(a.freed)
	a.freed = make(chan struct{})
}
