// Package watchdog ends a request when the host that is asked is silent for too long.
package watchdog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"vivarium/sandbox/quantity"
)

// StalledError means that a host went silent.
type StalledError struct{ After time.Duration }

// Error says for how long.
func (e *StalledError) Error() string {
	return fmt.Sprintf("no data for %s", quantity.Duration(e.After))
}

// Dog ends a context when an upstream host is silent for too long. It counts time only while
// something is awaited from the host, so that a slow client does not trip it.
type Dog struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
	ctx    context.Context // the context that this watchdog may end
	began  time.Time       // since when something is awaited; zero when nothing is
}

// LongShare divides a watchdog's limit. A client that leaves after a silence of that length has
// lost its patience, and the host is to blame. pip leaves after 15 s.
const LongShare = 6

// Watch starts a watchdog; its context is for the request upstream. Stop releases it.
func Watch(parent context.Context, limit time.Duration) *Dog {
	ctx, cancel := context.WithCancelCause(parent)
	d := &Dog{limit: limit, cancel: cancel, ctx: ctx, began: time.Now()}
	d.timer = time.AfterFunc(limit, func() { cancel(&StalledError{After: limit}) })
	return d
}

// Context is ended with a cause, a *StalledError, when the host is silent.
func (d *Dog) Context() context.Context { return d.ctx }

// Stop releases the watchdog and ends its context.
func (d *Dog) Stop() {
	d.timer.Stop()
	d.cancel(nil)
}

// Rest stops counting until the next read.
func (d *Dog) Rest() {
	d.timer.Stop()
	d.began = time.Time{}
}

// Explain returns the reason why the watchdog's context ended, if that tells more than err.
func (d *Dog) Explain(err error) error {
	cause := context.Cause(d.ctx)
	if err == nil || err == io.EOF || cause == nil {
		return err
	}
	var stalled *StalledError
	if silent := time.Since(d.began); !d.began.IsZero() && silent >= d.limit/LongShare && !errors.As(cause, &stalled) {
		return &StalledError{After: silent.Round(time.Second)}
	}
	return cause
}

// Reader has the watchdog count during each read of r.
func (d *Dog) Reader(r io.Reader) io.Reader { return &watchedReader{r: r, dog: d} }

type watchedReader struct {
	r   io.Reader
	dog *Dog
}

func (w *watchedReader) Read(p []byte) (int, error) {
	w.dog.began = time.Now()
	w.dog.timer.Reset(w.dog.limit)
	n, err := w.r.Read(p)
	err = w.dog.Explain(err)
	w.dog.Rest()
	return n, err
}
