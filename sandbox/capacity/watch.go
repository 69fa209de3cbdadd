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

// Watch knows whether the engine answers. It asks only when somebody wants to know, so it costs
// nothing otherwise.
type Watch struct {
	ask     func(context.Context) error
	told    func(words string) error
	looking chan struct{} // held by whoever looks

	looks sync.WaitGroup // looks that nobody waits for any more

	mu    sync.Mutex
	since time.Time // of the trouble; zero while the engine answers
	err   error
	due   bool // told has not accepted the last change yet
}

// NewWatch watches e. It calls told when the engine stops answering, with words that everybody may
// read, and with none when the engine answers again. Calls do not overlap. If told fails, it is
// called again at the next look. It may be nil.
func NewWatch(e *sandbox.Engine, told func(words string) error) *Watch {
	if told == nil {
		told = func(string) error { return nil }
	}
	return &Watch{ask: e.Ping, told: told, looking: make(chan struct{}, 1)}
}

// Await waits until the engine answers, or ctx ends. However many callers wait, only one of them
// looks, with growing pauses.
func (w *Watch) Await(ctx context.Context) {
	select {
	case w.looking <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-w.looking }()
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

// Look asks once, unless somebody already does, and waits for the answer. If ctx ends first, it
// returns what was known before. Everybody may read the error.
func (w *Watch) Look(ctx context.Context) error {
	select {
	case w.looking <- struct{}{}:
		answered := make(chan struct{})
		w.looks.Go(func() { // it outlasts ctx, so that the next caller knows
			defer close(answered)
			defer func() { <-w.looking }()
			_ = w.look(context.WithoutCancel(ctx))
		})
		select {
		case <-answered:
		case <-ctx.Done():
		}
	default:
	}
	if since, err := w.Away(); err != nil {
		return errors.New(
			"the Docker engine has not answered since " + since.UTC().Format(
				time.RFC3339,
			) + ": " + sandbox.TroubleWords(err),
		)
	}
	return nil
}

// Close waits until no look is in progress. The engine must not be closed before that.
func (w *Watch) Close() { w.looks.Wait() }

// Away is the time since when the engine has not answered, and the error. The error is nil if the
// engine answered the last look.
func (w *Watch) Away() (since time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.since, w.err
}

func (w *Watch) look(ctx context.Context) error {
	err := w.ask(ctx)
	if ctx.Err() != nil {
		return err // the state is not known
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

// passedOn notes that told accepted the last change. The next change comes with the next look,
// which waits for this one.
func (w *Watch) passedOn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = false
}

// note reports whether told is to be called: for a change, or for an earlier one that it did not
// accept.
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
