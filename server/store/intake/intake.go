// Package intake lets concurrent callers share one piece of work, such as a transaction.
package intake

import (
	"context"
	"sync"
	"time"
)

const (
	// most bounds how many deliveries one transaction accepts, so that it does not delay others for
	// long.
	most    = 50
	timeout = 30 * time.Second
)

// Intake lets concurrent deliveries (P) share a transaction, whose cost is mostly the wait for the
// disk. It has no goroutine of its own. The first caller leads: it accepts what has gathered, then
// passes the lead to one of those that came meanwhile. The zero value is ready.
type Intake[P, R any] struct {
	mu      sync.Mutex
	leading bool
	queue   []*arrival[P, R]
}

type arrival[P, R any] struct {
	push   P
	lead   chan struct{} // closed when this delivery's caller is to lead
	done   chan struct{} // closed when result and err are set
	result R
	err    error
}

// Accept waits until p is accepted. It heeds timeout and not ctx: a delivery that was read is not
// dropped because its sender has hung up, and a leader that left would leave the others waiting.
func (in *Intake[P, R]) Accept(ctx context.Context, p P, all func(context.Context, []P) ([]R, error)) (R, error) {
	a := &arrival[P, R]{push: p, lead: make(chan struct{}), done: make(chan struct{})}
	locked(&in.mu, func() {
		in.queue = append(in.queue, a)
		if !in.leading {
			in.leading = true
			close(a.lead)
		}
	})
	select {
	case <-a.done:
	case <-a.lead:
		in.run(context.WithoutCancel(ctx), all)
	}
	return a.result, a.err
}

// run accepts what has gathered, the leader's own delivery first, and passes the lead on.
func (in *Intake[P, R]) run(ctx context.Context, all func(context.Context, []P) ([]R, error)) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var batch []*arrival[P, R]
	locked(&in.mu, func() {
		n := min(len(in.queue), most)
		batch, in.queue = in.queue[:n:n], in.queue[n:]
	})
	pushes := make([]P, len(batch))
	for i, a := range batch {
		pushes[i] = a.push
	}
	results, err := all(ctx, pushes)
	for i, a := range batch {
		if a.err = err; err == nil {
			a.result = results[i]
		}
		close(a.done)
	}
	locked(&in.mu, func() {
		if len(in.queue) > 0 {
			close(in.queue[0].lead)
		} else {
			in.leading = false
		}
	})
}

func locked(mu *sync.Mutex, f func()) {
	mu.Lock()
	defer mu.Unlock()
	f()
}
