package store

import (
	"context"
	"sync"
	"sync/atomic"
)

// attempts are the running attempts of this process. The zero value is ready.
type attempts struct {
	mu      sync.Mutex
	m       map[int64]*attempt
	stopped error // set when no more may run
}

type attempt struct {
	build   int64
	number  int
	cancel  context.CancelCauseFunc
	omitted atomic.Int64 // bytes left out of the log
}

// add begins an attempt. Where the server is being stopped, its context has ended already.
func (a *attempts) add(ctx context.Context, build int64, number int) (context.Context, *attempt) {
	ctx, cancel := context.WithCancelCause(ctx)
	t := &attempt{build: build, number: number, cancel: cancel}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.m == nil {
		a.m = map[int64]*attempt{}
	}
	a.m[build] = t
	if a.stopped != nil {
		cancel(a.stopped)
	}
	return ctx, t
}

func (a *attempts) remove(t *attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.m[t.build] == t {
		delete(a.m, t.build)
	}
	t.cancel(context.Canceled)
}

// cancel ends a build's attempt, if it runs here.
func (a *attempts) cancel(build int64, cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t := a.m[build]; t != nil {
		t.cancel(cause)
	}
}

// stop ends all attempts, and those that are yet to begin.
func (a *attempts) stop(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = cause
	for _, t := range a.m {
		t.cancel(cause)
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
		list[id] = t.number
	}
	return list
}

// foreign are those of the builds that do not run here.
func (a *attempts) foreign(ids []int64) []int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []int64
	for _, id := range ids {
		if a.m[id] == nil {
			list = append(list, id)
		}
	}
	return list
}

// Omitting is how many bytes the running attempt has left out of the log so far. It is known to
// the process that runs the attempt; elsewhere, and without one, it is 0.
func (s *Store) Omitting(build int64) int64 {
	s.attempts.mu.Lock()
	defer s.attempts.mu.Unlock()
	if t := s.attempts.m[build]; t != nil {
		return t.omitted.Load()
	}
	return 0
}
