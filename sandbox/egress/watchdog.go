package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"vivarium/sandbox/quantity"
)

// stalledError says that a host went silent.
type stalledError struct{ after time.Duration }

func (e *stalledError) Error() string {
	return fmt.Sprintf("no data for %s", quantity.Duration(e.after))
}

// watchdog ends a context when an upstream host is silent for too long. It counts only
// while something is awaited from the host: a slow client stalls nothing.
type watchdog struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
	ctx    context.Context // the one that this watchdog is there to end
	began  time.Time       // since when something is awaited; zero when nothing is
}

// longShare is the part of a watchdog's limit after which a client that leaves has lost its patience: the
// host's silence is to blame then. pip leaves after 15 s.
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

// explain returns why the watchdog's context ended where that tells more than err.
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

// reader counts the time that each read of r takes.
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
