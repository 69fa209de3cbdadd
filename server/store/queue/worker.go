package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/trouble"
	"vivarium/server/store/queue/patience"
)

// buildWorker works on tickets.
type buildWorker struct {
	river.WorkerDefaults[buildArgs]
	*Queue
}

// Timeout is none: the pipeline has its own, and the lease tells which server is dead.
func (w *buildWorker) Timeout(*river.Job[buildArgs]) time.Duration { return -1 }

// Work claims the build whose turn it is and runs one attempt at it.
func (w *buildWorker) Work(ctx context.Context, job *river.Job[buildArgs]) error {
	if w.work.Ready != nil {
		defer w.work.Ready(ctx)()
	}
	if ctx.Err() != nil {
		return nil // the scan at the next boot replaces the ticket
	}
	b, ok, err := w.claim(ctx, job.ID, w.owner)
	if err != nil || !ok {
		return err
	}
	w.log.InfoContext(ctx, "build started", "build", b.ID, "repo", b.Repo, "sha", b.SHA, "ref", b.Ref,
		"attempt", b.Attempt)
	w.logs.Wake(b.ID)
	actx, t := w.attempts.Add(ctx, b.ID, b.Attempt)
	defer w.attempts.Remove(t)
	rec := w.work.Record(actx, t)
	outcome, err := w.run(actx, b, rec)
	if failed := rec.Close(); failed != nil && err == nil {
		err = failed
	}
	err = w.settle(ctx, context.Cause(actx), b, outcome, err, job)
	if w.heldBack.Swap(false) { // tickets were used up for the sake of a build that is tried alone
		w.warn(ctx, "cannot make up for used tickets", w.replaceTickets(context.WithoutCancel(ctx)))
	}
	return err
}

// run calls Build. A panic is an outcome: the next attempt would meet it again.
func (w *buildWorker) run(ctx context.Context, b builds.Row, rec pipeline.Recorder) (o pipeline.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.ErrorContext(ctx, "a build panicked", "build", b.ID, "repo", b.Repo, "sha", b.SHA,
				"panic", p, "stack", string(debug.Stack()))
			o, err = pipeline.Outcome{
				State: pipeline.Errored, Cause: pipeline.CauseInternal,
				Summary: "Vivarium failed by a mistake of its own; the server's log says which",
			}, nil
		}
	}()
	return w.work.Build(ctx, b.Build(), rec)
}

// settle writes how an attempt ended: with an outcome, canceled, or without one. Where the database
// does not take that, it tries again until the server stops: nothing else would end the build
// before the next boot.
func (w *buildWorker) settle(
	ctx context.Context, cause error, b builds.Row, o pipeline.Outcome, err error, job *river.Job[buildArgs],
) error {
	write := context.WithoutCancel(ctx)
	for stored := true; ; stored = false {
		failed := w.settleOnce(write, cause, b, o, err, stored, job)
		if failed == nil || errors.Is(failed, builds.ErrLost) {
			return nil
		}
		w.log.ErrorContext(ctx, "cannot store how a build ended", "build", b.ID, "repo", b.Repo, "sha", b.SHA,
			"err", failed)
		select {
		case <-ctx.Done():
			return failed
		case <-time.After(settleRetry):
		}
	}
}

const settleRetry = 2 * time.Second

// settleOnce writes it once. stored says that the database has taken all so far: where it has not,
// the attempt may have been abandoned for that alone.
func (w *buildWorker) settleOnce(
	ctx context.Context, cause error, b builds.Row, o pipeline.Outcome, err error, stored bool,
	job *river.Job[buildArgs],
) error {
	switch {
	case err == nil && o.Heals && o.State == pipeline.Errored:
		return w.hold(ctx, b, o, job)
	case err == nil && o.Unclear && o.State == pipeline.Errored:
		return w.giveBack(ctx, b, loss{Why: "was lost: " + o.Summary, End: &o}, job)
	case err == nil:
		return w.finish(ctx, b, o, job)
	case errors.Is(cause, pipeline.ErrCanceled):
		return w.finish(ctx, b, canceled, job)
	case errors.Is(err, builds.ErrLost), errors.Is(cause, builds.ErrLost):
		w.log.WarnContext(ctx, "attempt abandoned: another one has replaced it",
			"build", b.ID, "repo", b.Repo, "sha", b.SHA, "attempt", b.Attempt)
		return nil
	case errors.Is(cause, errStopped):
		return w.giveBack(ctx, b, loss{Why: "was stopped with the server", Clean: true}, job)
	}
	return w.giveBack(ctx, b, abandoned(b.Attempt, err, stored), job)
}

// abandoned is the loss of an attempt that ended with an error. Trouble of the database is no
// build's doing, and a disk may stay full for hours: the build is tried again for as long as that
// takes, after pauses that grow.
func abandoned(attempt int, err error, stored bool) loss {
	l := loss{Why: "was abandoned: " + trouble.Words(err), Clean: !stored}
	if _, ok := errors.AsType[*trouble.Error](err); ok {
		l.Clean, l.Pause = true, patience.Spread(patience.Pause(attempt, false))
	}
	return l
}

// giveBack queues the build of an abandoned attempt again.
func (w *buildWorker) giveBack(ctx context.Context, b builds.Row, l loss, job *river.Job[buildArgs]) error {
	err := w.db.Transact(ctx, func(tx *database.Tx) error {
		err := tx.Take(&b, "id = ? AND attempt = ?", b.ID, b.Attempt).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return builds.ErrLost // another server has the build now
		}
		if err != nil {
			return err
		}
		if err := w.requeue(ctx, tx, &b, l); err != nil || job == nil {
			return err
		}
		return tx.Jobs.Complete(ctx, job.JobRow)
	})
	if err != nil {
		return fmt.Errorf("queue build %d again: %w", b.ID, err)
	}
	w.tellRequeued(ctx, b, l)
	return nil
}

func (q *Queue) tellRequeued(ctx context.Context, b builds.Row, l loss) {
	if b.State.Ended() {
		q.ended(ctx, b)
		return
	}
	q.log.WarnContext(ctx, "build queued again", "build", b.ID, "repo", b.Repo, "sha", b.SHA, "attempt", b.Attempt,
		"why", l.Why, "waits_for", b.WaitCause)
	q.logs.Wake(b.ID)
}
