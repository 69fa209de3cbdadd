package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/entries"
	"vivarium/server/store/people"
	"vivarium/server/store/queue/deaths"
	"vivarium/server/store/queue/overtake"
	"vivarium/server/store/queue/patience"
)

// finish writes the end of a running attempt, its status and the end of its job, if there is one in
// this process.
func (q *Queue) finish(ctx context.Context, b builds.Row, o pipeline.Outcome, job *river.Job[buildArgs]) error {
	// Only an attempt with a result is charged: a lost one is not its repository's doing.
	b.Spent += database.Micros(q.db.Now()) - b.StartedAt
	err := q.db.Transact(ctx, func(tx *database.Tx) error {
		if err := q.end(ctx, tx, &b, o); err != nil || job == nil {
			return err
		}
		return tx.Jobs.Complete(ctx, job.JobRow)
	})
	if err != nil {
		return fmt.Errorf("end build %d: %w", b.ID, err)
	}
	q.ended(ctx, b)
	return nil
}

// end writes the end state of the attempt that b is, once.
func (q *Queue) end(ctx context.Context, tx *database.Tx, b *builds.Row, o pipeline.Outcome) error {
	if err := overtake.Explain(tx, *b, &o); err != nil {
		return err
	}
	b.State, b.Cause, b.Summary, b.EndedAt = o.State, o.Cause, o.Summary, database.Micros(q.db.Now())
	if o.Image != "" {
		b.Image = o.Image
	}
	r := builds.Fenced(tx, b.ID, b.Attempt).Updates(map[string]any{
		"state": b.State, "cause": b.Cause, "summary": b.Summary, "image": b.Image, "ended_at": b.EndedAt,
		"spent": b.Spent, "job_id": 0, "owner": "", "lease_until": 0, "cancel_requested": false,
	})
	if err := database.One(r, builds.ErrLost); err != nil {
		return err
	}
	if q.keep != nil {
		if err := q.keep(tx, *b, o); err != nil {
			return err
		}
	}
	if b.Cause != "" { // the one that was to tell of a step's end may be dead
		if err := q.interruptSteps(tx, *b, b.Cause, b.Summary); err != nil {
			return err
		}
	}
	status, err := q.addStatus(tx, *b)
	if err != nil {
		return err
	}
	jobs := []river.InsertManyParams{status}
	caps, err := entries.Capped(tx)
	if err != nil {
		return err
	}
	if q.work.RepoWorkers > 0 || len(caps) > 0 { // a ticket was used up that found only builds over a cap
		jobs = append(jobs, ticket(0))
	}
	return tx.Jobs.Insert(ctx, jobs...)
}

// ended tells of an end that was committed.
func (q *Queue) ended(ctx context.Context, b builds.Row) {
	q.log.InfoContext(ctx, "build ended", "build", b.ID, "repo", b.Repo, "sha", b.SHA,
		"attempt", b.Attempt, "state", b.State, "cause", b.Cause, "summary", b.Summary)
	q.logs.Wake(b.ID)
	q.logs.Ended()
}

// tellOver tells of what a push ended, which was committed.
func (q *Queue) tellOver(ctx context.Context, o *overtake.Over) {
	if o == nil {
		return
	}
	for _, b := range o.Ended {
		q.ended(ctx, b)
	}
	for _, b := range o.Running {
		q.log.InfoContext(ctx, "build asked to end for a newer push", "build", b.ID, "repo", b.Repo, "sha", b.SHA,
			"by", b.SupersededBy)
		q.attempts.Cancel(b.ID, pipeline.ErrCanceled)
	}
}

// requeue queues the running build b again, and leaves a line in its log. Where the build was to be
// canceled, is given up, or has waited for long enough, it ends in place of that.
func (q *Queue) requeue(ctx context.Context, tx *database.Tx, b *builds.Row, l loss) error {
	ran := q.db.Now().Sub(database.FromMicros(b.StartedAt))
	if l.Waits != nil && patience.IsCharged(l.Waits.Cause) {
		b.Spent += ran.Microseconds()
	}
	if b.CancelRequested {
		return q.end(ctx, tx, b, canceled)
	}
	pause, ended, err := q.judgeLoss(ctx, tx, b, l)
	if err != nil || ended {
		return err
	}
	note := "the attempt was lost"
	if l.Waits != nil {
		note = "the attempt " + l.Why
	}
	step, err := lastStep(tx, *b)
	if err != nil {
		return err
	}
	if err := q.logs.AddLine(tx, *b, step, requeuedLine(*b, l)); err != nil { // the step ends after it
		return err
	}
	if err := q.interruptSteps(tx, *b, pipeline.CauseInternal, note); err != nil {
		return err
	}
	b.NotBefore = database.Micros(q.db.Now().Add(pause))
	r := builds.Fenced(tx, b.ID, b.Attempt).Updates(map[string]any{
		"state": pipeline.Queued, "losses": b.Losses, "shared_losses": b.SharedLosses, "lost_since": b.LostSince,
		"not_before": b.NotBefore, "spent": b.Spent, "job_id": 0, "owner": "", "lease_until": 0,
		"wait_cause": b.WaitCause, "wait_why": b.WaitWhy, "wait_since": b.WaitSince, "wait_tries": b.WaitTries,
	})
	if err := database.One(r, builds.ErrLost); err != nil {
		return err
	}
	b.State = pipeline.Queued
	if err := q.tellWait(ctx, tx, b); err != nil { // before the turn: a push takes the rows in this order
		return err
	}
	if err := q.lineAgain(tx, *b, l.Waits != nil && ran >= patience.FreeTurn); err != nil {
		return err
	}
	return tx.Jobs.Insert(ctx, ticket(pause))
}

// judgeLoss decides what a loss means for b: how long it waits, or that it has ended.
func (q *Queue) judgeLoss(
	ctx context.Context, tx *database.Tx, b *builds.Row, l loss,
) (pause time.Duration, ended bool, err error) {
	if l.Waits != nil {
		return q.waits(ctx, tx, b, *l.Waits)
	}
	if q.count(b, l); l.Clean || l.Shared {
		return l.Pause, false, nil
	}
	others, err := deaths.Others(tx, *b)
	if err != nil {
		return 0, false, err
	}
	if patience.IsGuilty(b.Losses, others) {
		o := pipeline.Outcome{State: pipeline.Errored, Cause: pipeline.CauseInternal}
		if l.End != nil {
			o = *l.End
		}
		o.Summary = fmt.Sprintf("given up after %d attempts without a result; the last one %s", b.Losses, l.Why)
		return 0, true, q.end(ctx, tx, b, o)
	}
	if !l.Died {
		return patience.Pause(b.Losses, true), false, nil
	}
	// The time in which no server worked counts too: a wait that is too long does no harm.
	return patience.Hold(b.Losses, q.db.Now().Sub(database.FromMicros(b.StartedAt))), false, nil
}

// requeuedLine is what a build's log says of it.
func requeuedLine(b builds.Row, l loss) string {
	line := fmt.Sprintf("\nAttempt %d %s. The build is queued again", b.Attempt, l.Why)
	if l.Waits != nil {
		line += " and waits for " + pipeline.Outside(l.Waits.Cause)
	}
	return line + ".\n"
}

// interruptSteps ends the steps of an attempt that still run, at the present end of its log.
func (q *Queue) interruptSteps(tx *database.Tx, b builds.Row, why pipeline.Cause, note string) error {
	return tx.Model(&builds.StepRow{}).
		Where("build_id = ? AND attempt = ? AND state = ?", b.ID, b.Attempt, pipeline.StepRunning).
		Updates(map[string]any{
			"state": pipeline.StepErrored, "cause": why, "ended_at": database.Micros(q.db.Now()), "note": note,
			"last_seq": gorm.Expr("(SELECT log_seq FROM builds WHERE id = ?)", b.ID),
		}).Error
}

// lastStep is the last step that an attempt has begun.
func lastStep(tx *database.Tx, b builds.Row) (pipeline.StepName, error) {
	var last []pipeline.StepName
	err := tx.Model(&builds.StepRow{}).Where("build_id = ? AND attempt = ?", b.ID, b.Attempt).
		Order("started_at DESC").Limit(1).Pluck("name", &last).Error
	if err != nil || len(last) == 0 {
		return pipeline.StepClone, err
	}
	return last[0], nil
}

var canceled = pipeline.Outcome{State: pipeline.Canceled, Cause: pipeline.CauseCanceled, Summary: "canceled on request"}

// Cancel ends a queued build, and asks the worker of a running one to end it. An ended build is
// builds.ErrEnded.
func (q *Queue) Cancel(ctx context.Context, by people.Actor, id int64) error {
	var b builds.Row
	err := q.db.Transact(ctx, func(tx *database.Tx) error {
		if err := tx.Take(&b, id).Error; err != nil {
			return err
		}
		var err error
		switch b.State {
		case pipeline.Queued, pipeline.Unapproved:
			err = q.endQueued(ctx, tx, &b, canceled)
		case pipeline.Running:
			err = database.One(builds.Fenced(tx, b.ID, b.Attempt).Update("cancel_requested", true), builds.ErrLost)
		default:
			err = builds.ErrEnded
		}
		if err != nil {
			return err
		}
		return people.AddChange(tx, by, fmt.Sprintf("canceled build %d of", b.ID), b.Repo)
	})
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		err = database.ErrNotFound
	case errors.Is(err, builds.ErrLost): // it moved on meanwhile, which only another server can do
		return q.Cancel(ctx, by, id)
	}
	if err != nil {
		return fmt.Errorf("cancel build %d: %w", id, err)
	}
	if b.State.Ended() {
		q.ended(ctx, b)
	} else {
		q.log.InfoContext(ctx, "build asked to cancel", "build", b.ID, "repo", b.Repo, "sha", b.SHA)
		q.attempts.Cancel(id, pipeline.ErrCanceled)
	}
	return nil
}

// endQueued ends a build that waits, for its turn or for an approval.
func (q *Queue) endQueued(ctx context.Context, tx *database.Tx, b *builds.Row, o pipeline.Outcome) error {
	b.State, b.Cause, b.Summary, b.EndedAt = o.State, o.Cause, o.Summary, database.Micros(q.db.Now())
	waits := []pipeline.State{pipeline.Queued, pipeline.Unapproved}
	r := tx.Model(&builds.Row{}).Where("id = ? AND state IN ?", b.ID, waits).
		Updates(map[string]any{"state": b.State, "cause": b.Cause, "summary": b.Summary, "ended_at": b.EndedAt,
			"superseded_by": b.SupersededBy})
	if err := database.One(r, builds.ErrLost); err != nil {
		return err
	}
	status, err := q.addStatus(tx, *b)
	if err != nil {
		return err
	}
	return tx.Jobs.Insert(ctx, status)
}
