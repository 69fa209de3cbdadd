package capacity

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"vivarium/sandbox"
)

// The pauses between two looks at an engine that does not answer.
const (
	firstPause = time.Second
	mostPause  = 30 * time.Second
)

// Watch knows whether the engine answers. It asks when somebody wants to know, and so costs nothing while nobody does.
type Watch struct {
	ask  func(context.Context) error
	told func(words string) error
	turn chan struct{} // held by the one who looks

	looks sync.WaitGroup // those that nobody waits for any more

	mu    sync.Mutex
	since time.Time // of the trouble; zero while the engine answers
	err   error
	due   bool // told has not taken the last change yet
}

// NewWatch watches e. told is called, by one at a time, when the engine begins not to answer, with words for everybody, and with
// none when it answers again. Where it fails it is called again at the next look. It may be nil.
func NewWatch(e *sandbox.Engine, told func(words string) error) *Watch {
	if told == nil {
		told = func(string) error { return nil }
	}
	return &Watch{ask: e.Ping, told: told, turn: make(chan struct{}, 1)}
}

// Await waits until the engine answers, or ctx ends. However many wait, one of them looks, after pauses that grow.
func (w *Watch) Await(ctx context.Context) {
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-w.turn }()
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, mostPause) {
		if w.look(ctx) == nil {
			return
		}
		select {
		case <-time.After(pause - pause/4 + time.Duration(rand.Int64N(int64(pause/2)))):
		case <-ctx.Done():
		}
	}
}

// Look asks once, unless somebody does already, and waits for the answer until ctx ends: then it gives what was known before.
// The error is for everybody.
func (w *Watch) Look(ctx context.Context) error {
	select {
	case w.turn <- struct{}{}:
		answered := make(chan struct{})
		w.looks.Go(func() { // it outlasts ctx, so that the next one who asks knows
			defer close(answered)
			defer func() { <-w.turn }()
			_ = w.look(context.WithoutCancel(ctx))
		})
		select {
		case <-answered:
		case <-ctx.Done():
		}
	default:
	}
	if since, err := w.Away(); err != nil {
		return errors.New("the Docker engine has not answered since " + since.UTC().Format(time.RFC3339) + ": " + sandbox.TroubleWords(err))
	}
	return nil
}

// Close waits until nobody asks; the engine must not be closed before.
func (w *Watch) Close() { w.looks.Wait() }

// Away is since when the engine does not answer, and the error; nil while it does, as far as anybody asked.
func (w *Watch) Away() (since time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.since, w.err
}

func (w *Watch) look(ctx context.Context) error {
	err := w.ask(ctx)
	if ctx.Err() != nil {
		return err // nobody knows
	}
	if w.note(err) {
		words := ""
		if err != nil {
			words = sandbox.TroubleWords(err)
		}
		if w.told(words) == nil {
			w.passedOn()
		}
	}
	return err
}

// passedOn notes that the last change was told: another one comes after the next look, which waits for this one.
func (w *Watch) passedOn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = false
}

// note reports whether something is to be told: a change, or one that could not be told before.
func (w *Watch) note(err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	changed := (err == nil) != (w.err == nil)
	if changed {
		w.since = time.Time{}
		if err != nil {
			w.since = time.Now()
		}
	}
	w.err = err
	w.due = w.due || changed
	return w.due
}
