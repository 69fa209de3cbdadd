// Package attempts is the attempts at builds that a process works on, so that they can be ended.
package attempts

import (
	"context"
	"sync"
)

// Attempts are the running attempts of this process. The zero value is ready.
type Attempts struct {
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

// Add begins an attempt. Where the server is being stopped, its context has ended already.
func (a *Attempts) Add(ctx context.Context, build int64, number int) (context.Context, Attempt) {
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

func (a *Attempts) Remove(t Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.m[t.Build].Number == t.Number {
		delete(a.m, t.Build)
	}
	t.Cancel(context.Canceled)
}

// Cancel ends a build's attempt, if it runs here.
func (a *Attempts) Cancel(build int64, cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t, here := a.m[build]; here {
		t.Cancel(cause)
	}
}

// Stop ends all attempts, and those that are yet to begin.
func (a *Attempts) Stop(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = cause
	for _, t := range a.m {
		t.Cancel(cause)
	}
}

// Start allows attempts again.
func (a *Attempts) Start() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = nil
}

// Running lists the attempts, by build.
func (a *Attempts) Running() map[int64]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := make(map[int64]int, len(a.m))
	for id, t := range a.m {
		list[id] = t.Number
	}
	return list
}
