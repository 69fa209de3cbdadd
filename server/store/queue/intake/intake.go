// Package intake lets concurrent callers share one piece of work, such as a transaction.
package intake

import (
	"errors"
	"sync"
)

// most bounds how many deliveries one batch holds, so that it does not delay others for long.
const most = 50

// Intake gathers concurrent deliveries (P) into batches that share a transaction, whose cost is
// mostly the wait for the disk. It has no goroutine of its own: the first caller works on what has
// gathered, and then one of those that came meanwhile does. The zero value is ready.
type Intake[P, R any] struct {
	mu      sync.Mutex
	leading bool // somebody works on a batch
	queue   []*Place[P, R]
}

// Place is a delivery that waits for its result.
type Place[P, R any] struct {
	in     *Intake[P, R]
	push   P
	lead   chan struct{} // closed when this delivery's caller is to work on a batch
	done   chan struct{} // closed when result and err are set
	result R
	err    error
}

// Join takes a place in the queue.
func (in *Intake[P, R]) Join(p P) *Place[P, R] {
	a := &Place[P, R]{in: in, push: p, lead: make(chan struct{}), done: make(chan struct{})}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.queue = append(in.queue, a)
	if !in.leading {
		in.leading = true
		close(a.lead)
	}
	return a
}

// Batch waits until the delivery has its result, and returns nil then, or until its caller is to
// work. Then it returns the work, with this delivery first, and the caller must end it.
func (a *Place[P, R]) Batch() *Batch[P, R] {
	select {
	case <-a.done:
		return nil
	case <-a.lead:
		return a.in.next()
	}
}

// Result waits for the delivery's result.
func (a *Place[P, R]) Result() (R, error) {
	<-a.done
	return a.result, a.err
}

// Batch is a piece of work.
type Batch[P, R any] struct {
	Pushes []P
	in     *Intake[P, R]
	places []*Place[P, R] // nil where the result is known
}

// next takes what has come so far from the queue, as far as one batch goes.
func (in *Intake[P, R]) next() *Batch[P, R] {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := min(len(in.queue), most)
	b := &Batch[P, R]{in: in, places: in.queue[:n:n]}
	in.queue = in.queue[n:]
	for _, a := range b.places {
		b.Pushes = append(b.Pushes, a.push)
	}
	return b
}

// Answer gives one of the pushes its result. A second answer to it counts for nothing.
func (b *Batch[P, R]) Answer(i int, result R, err error) {
	if a := b.places[i]; a != nil {
		a.result, a.err = result, err
		close(a.done)
		b.places[i] = nil
	}
}

// ErrUnanswered is the result of pushes that a batch ended without.
var ErrUnanswered = errors.New("the delivery was not worked on, by a mistake of Vivarium's own")

// End hands the queue on. Whatever has happened, each caller has its answer then: otherwise no push
// would be accepted until a restart.
func (b *Batch[P, R]) End() {
	for i := range b.places {
		var none R
		b.Answer(i, none, ErrUnanswered)
	}
	b.in.mu.Lock()
	defer b.in.mu.Unlock()
	if len(b.in.queue) > 0 {
		close(b.in.queue[0].lead)
	} else {
		b.in.leading = false
	}
}
