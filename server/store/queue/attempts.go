package queue

import (
	"context"
	"sync"
)

// attempts are the running attempts of this process. The zero value is ready.
type attempts struct {
	mu      sync.Mutex
	m       map[int64]Attempt
	stopped error // set when no more may run
}

// Attempt is one that runs.
type Attempt struct {
	Build  int64
	Number int // 1, 2, 3 ... within the build
	Cancel context.CancelCauseFunc
}

// add begins an attempt. Where the server is being stopped, its context has ended already.
func (a *attempts) add(ctx context.Context, build int64, number int) (context.Context, Attempt) {
	ctx, cancel := context.WithCancelCause(ctx)
	t := Attempt{build, number, cancel}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.m == nil {
		a.m = map[int64]Attempt{}
	}
	a.m[build] = t
	if a.stopped != nil {
		cancel(a.stopped)
	}
	return ctx, t
}

func (a *attempts) remove(t Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.m[t.Build].Number == t.Number {
		delete(a.m, t.Build)
	}
	t.Cancel(context.Canceled)
}

// cancel ends a build's attempt, if it runs here.
func (a *attempts) cancel(build int64, cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t, here := a.m[build]; here {
		t.Cancel(cause)
	}
}

// stop ends all attempts, and those that are yet to begin.
func (a *attempts) stop(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = cause
	for _, t := range a.m {
		t.Cancel(cause)
	}
}

// start allows attempts again.
func (a *attempts) start() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = nil
}

// running lists the attempts, by build.
func (a *attempts) running() map[int64]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := make(map[int64]int, len(a.m))
	for id, t := range a.m {
		list[id] = t.Number
	}
	return list
}
