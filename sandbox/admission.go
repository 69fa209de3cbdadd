package sandbox

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
)

// lookAgain is how soon those who wait see that another server's sandbox has gone.
const lookAgain = time.Second

// Admission lets sandboxes of one size begin as long as all that there are fit the engine's memory less a reserve: those of
// this server, and those that others run on the same engine.
type Admission struct {
	need, usable int64
	others       func(context.Context) (int64, error)
	warn         func(message string, args ...any)

	mu    sync.Mutex
	held  int64         // by who was let in and has not left
	freed chan struct{} // closed when somebody leaves, and replaced
}

// NewAdmission is for an instance's sandboxes of these limits. reserve is as Check has it.
func NewAdmission(e *Engine, instance string, l Limits, reserve int64) *Admission {
	return &Admission{
		need: l.whole(), usable: usable(e.info, reserve), freed: make(chan struct{}), warn: e.log.Warn,
		others: func(ctx context.Context) (int64, error) { return e.othersMemory(ctx, instance) },
	}
}

// Enter waits until one more sandbox fits, or ctx ends. leave is to be called once, when the sandbox has gone.
func (a *Admission) Enter(ctx context.Context) (leave func()) {
	for told := false; ctx.Err() == nil; {
		others, err := a.others(ctx)
		if err != nil && ctx.Err() == nil {
			// An engine that does not answer is the build's to report.
			a.warn("cannot see what other sandboxes hold of the engine's memory", "err", err)
		}
		freed, ok := a.take(others)
		if ok {
			return sync.OnceFunc(a.leave)
		}
		if !told {
			told = true
			a.warn("builds wait for memory", "sandbox", size(a.need), "held_by_others", size(others), "usable", size(a.usable))
		}
		select {
		case <-freed:
		case <-time.After(lookAgain):
		case <-ctx.Done():
		}
	}
	return func() {}
}

func (a *Admission) take(others int64) (freed <-chan struct{}, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ok = hasRoom(a.usable, a.held+others, a.need); ok {
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

// hasRoom decides whether a sandbox may begin beside what is held already. A single one always may: Check has refused at the
// start what was set and cannot fit, and the defaults run one build on whatever engine there is.
func hasRoom(usable, held, need int64) bool { return held == 0 || held+need <= usable }

// othersMemory is what the running sandboxes of other instances on this engine may use. One past its deadline, whose server
// may be gone for good, is left out: it must not hold up builds for ever.
func (e *Engine) othersMemory(ctx context.Context, instance string) (total int64, err error) {
	found, err := e.cli.ContainerList(ctx, container.ListOptions{Filters: filters.NewArgs(filters.Arg("label", LabelInstance))})
	if err != nil {
		return 0, fmt.Errorf("list sandboxes: %w", err)
	}
	for _, c := range found {
		if c.Labels[LabelInstance] == instance || stale(c, time.Now()) {
			continue
		}
		full, err := e.cli.ContainerInspect(ctx, c.ID)
		if errdefs.IsNotFound(err) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return 0, fmt.Errorf("look at a sandbox of another server: %w", err)
		}
		total += full.HostConfig.Memory
	}
	return total, nil
}
