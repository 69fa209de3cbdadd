package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"vivarium/sandbox/quantity"
)

// stalledError means that a host went silent.
type stalledError struct{ after time.Duration }

func (e *stalledError) Error() string {
	return fmt.Sprintf("no data for %s", quantity.Duration(e.after))
}

// watchdog ends a context when an upstream host is silent for too long. It counts time only while
// something is awaited from the host, so that a slow client does not trip it.
type watchdog struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
	ctx    context.Context // the context that this watchdog may end
	began  time.Time       // since when something is awaited; zero when nothing is
}

// longShare divides a watchdog's limit. A client that leaves after a silence of that length has
// lost its patience, and the host is to blame. pip leaves after 15 s.
const longShare = 6

// watch starts a watchdog; its context is for the request upstream. stop releases it.
func watch(parent context.Context, limit time.Duration) *watchdog {
	ctx, cancel := context.WithCancelCause(parent)
	d := &watchdog{limit: limit, cancel: cancel, ctx: ctx, began: time.Now()}
	d.timer = time.AfterFunc(limit, func() { cancel(&stalledError{after: limit}) })
	return d
}

func (d *watchdog) stop() {
	d.timer.Stop()
	d.cancel(nil)
}

// rest stops counting until the next read.
func (d *watchdog) rest() {
	d.timer.Stop()
	d.began = time.Time{}
}

// explain returns the reason why the watchdog's context ended, if that tells more than err.
func (d *watchdog) explain(err error) error {
	cause := context.Cause(d.ctx)
	if err == nil || err == io.EOF || cause == nil {
		return err
	}
	var stalled *stalledError
	if silent := time.Since(d.began); !d.began.IsZero() && silent >= d.limit/longShare && !errors.As(cause, &stalled) {
		return &stalledError{after: silent.Round(time.Second)}
	}
	return cause
}

// reader has the watchdog count during each read of r.
func (d *watchdog) reader(r io.Reader) io.Reader { return &watchedReader{r: r, dog: d} }

type watchedReader struct {
	r   io.Reader
	dog *watchdog
}

func (w *watchedReader) Read(p []byte) (int, error) {
	w.dog.began = time.Now()
	w.dog.timer.Reset(w.dog.limit)
	n, err := w.r.Read(p)
	err = w.dog.explain(err)
	w.dog.rest()
	return n, err
}
