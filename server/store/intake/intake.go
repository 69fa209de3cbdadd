// Package intake lets concurrent callers share one piece of work, such as a transaction.
package intake

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
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

// Accept waits until p is accepted. all accepts every delivery that it is given, or none of them.
// Accept heeds timeout and not ctx: a delivery that was read is not dropped because its sender has
// hung up, and a leader that left would leave the others waiting.
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

// run accepts what has gathered, the leader's own delivery first, and passes the lead on. Where the
// batch fails, each of it is tried alone: one that cannot be accepted must not keep out the others.
// Whatever happens, each caller gets an answer: otherwise no push would be accepted until a restart.
func (in *Intake[P, R]) run(ctx context.Context, all func(context.Context, []P) ([]R, error)) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	batch := in.next()
	for _, a := range batch {
		a.err = errBroken
	}
	defer in.answer(batch)
	if together(ctx, batch, all) == nil || len(batch) == 1 || ctx.Err() != nil {
		return
	}
	for i := range batch {
		_ = together(ctx, batch[i:i+1], all) // its caller has the error
	}
}

// together accepts some deliveries by one call of all, and sets their results.
func together[P, R any](
	ctx context.Context, batch []*arrival[P, R], all func(context.Context, []P) ([]R, error),
) error {
	pushes := make([]P, len(batch))
	for i, a := range batch {
		pushes[i] = a.push
	}
	results, err := recovered(ctx, pushes, all)
	for i, a := range batch {
		if a.err = err; err == nil {
			a.result = results[i]
		}
	}
	return err
}

// errBroken is how deliveries end whose transaction ended without a result or an error.
var errBroken = errors.New("accept deliveries: they were not worked through, by a mistake of Vivarium's own")

// recovered calls all, whose panic is an error with its stack, for the log.
func recovered[P, R any](ctx context.Context, pushes []P, all func(context.Context, []P) ([]R, error)) (results []R, err error) {
	defer func() {
		if p := recover(); p != nil {
			results, err = nil, fmt.Errorf("%w: panic: %v\n%s", errBroken, p, debug.Stack())
		}
	}()
	if results, err = all(ctx, pushes); err == nil && len(results) != len(pushes) {
		err = errBroken
	}
	return results, err
}

// next takes what has come so far from the queue, as far as one transaction goes.
func (in *Intake[P, R]) next() (batch []*arrival[P, R]) {
	locked(&in.mu, func() {
		n := min(len(in.queue), most)
		batch, in.queue = in.queue[:n:n], in.queue[n:]
	})
	return batch
}

// answer tells each of a batch what became of it, and hands on the lead.
func (in *Intake[P, R]) answer(batch []*arrival[P, R]) {
	for _, a := range batch {
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
