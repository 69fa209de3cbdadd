package egress

import (
	"context"
	"fmt"
	"io"
	"time"
)

// stalledError says that a host went silent.
type stalledError struct{ after time.Duration }

func (e *stalledError) Error() string { return fmt.Sprintf("no data for %s", e.after) }

// watchdog ends a context when an upstream host is silent for too long. It counts only
// while something is awaited from the host: a slow client stalls nothing.
type watchdog struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
	ctx    context.Context // the one that this watchdog is there to end
}

// watch starts a watchdog; its context is for the request upstream. stop releases it.
func watch(parent context.Context, limit time.Duration) *watchdog {
	ctx, cancel := context.WithCancelCause(parent)
	d := &watchdog{limit: limit, cancel: cancel, ctx: ctx}
	d.timer = time.AfterFunc(limit, func() { cancel(&stalledError{after: limit}) })
	return d
}

func (d *watchdog) stop() {
	d.timer.Stop()
	d.cancel(nil)
}

// rest stops counting until the next read.
func (d *watchdog) rest() { d.timer.Stop() }

// explain returns why the watchdog's context ended where that tells more than err.
func (d *watchdog) explain(err error) error {
	if cause := context.Cause(d.ctx); err != nil && err != io.EOF && cause != nil {
		return cause
	}
	return err
}

// reader counts the time that each read of r takes.
func (d *watchdog) reader(r io.Reader) io.Reader { return &watchedReader{r: r, dog: d} }

type watchedReader struct {
	r   io.Reader
	dog *watchdog
}

func (w *watchedReader) Read(p []byte) (int, error) {
	w.dog.timer.Reset(w.dog.limit)
	n, err := w.r.Read(p)
	w.dog.timer.Stop()
	return n, w.dog.explain(err)
}
