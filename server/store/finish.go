package store

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
	"vivarium/server/store/patience"
	"vivarium/server/store/people"
)

// finish writes the end of a running attempt, its status and the end of its job, if there is one in this process.
func (s *Store) finish(ctx context.Context, b builds.Row, o pipeline.Outcome, job *river.Job[buildArgs]) error {
	b.Spent += database.Micros(s.db.Now()) - b.StartedAt // of an attempt with a result: what was lost is not its repository's doing
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		if err := s.end(ctx, tx, &b, o); err != nil || job == nil {
			return err
		}
		return tx.Jobs.Complete(ctx, job.JobRow)
	})
	if err != nil {
		return fmt.Errorf("end build %d: %w", b.ID, err)
	}
	s.ended(ctx, b)
	return nil
}

// end writes the end state of the attempt that b is, once.
func (s *Store) end(ctx context.Context, tx *database.Tx, b *builds.Row, o pipeline.Outcome) error {
	b.State, b.Cause, b.Summary, b.EndedAt = o.State, o.Cause, o.Summary, database.Micros(s.db.Now())
	if o.Image != "" {
		b.Image = o.Image
	}
	r := builds.Fenced(tx, b.ID, b.Attempt).Updates(map[string]any{
		"state": b.State, "cause": b.Cause, "summary": b.Summary, "image": b.Image, "ended_at": b.EndedAt, "spent": b.Spent,
		"job_id": 0, "owner": "", "lease_until": 0, "cancel_requested": false,
	})
	if err := database.One(r, builds.ErrLost); err != nil {
		return err
	}
	if b.Cause != "" { // who was to tell of a step's end may be dead
		if err := s.interruptSteps(tx, *b, b.Cause, b.Summary); err != nil {
			return err
		}
	}
	status, err := addStatus(tx, *b)
	if err != nil {
		return err
	}
	jobs := []river.InsertManyParams{status}
	caps, err := entries.Capped(tx)
	if err != nil {
		return err
	}
	if s.repoWorkers > 0 || len(caps) > 0 { // a ticket that found only what is at its cap was used up
		jobs = append(jobs, ticket(0))
	}
	return tx.Jobs.Insert(ctx, jobs...)
}

// ended tells of an end that was committed.
func (s *Store) ended(ctx context.Context, b builds.Row) {
	s.log.InfoContext(ctx, "build ended", "build", b.ID, "repo", b.Repo, "sha", b.SHA,
		"attempt", b.Attempt, "state", b.State, "cause", b.Cause, "summary", b.Summary)
	s.watch.wake(b.ID)
	signal(s.finished)
}

// requeue queues the running attempt b again, or ends the build where it was to be canceled, is given up, or has waited long
// enough. It leaves a line in the build's log. The dead worker's job ends with it.
func (s *Store) requeue(ctx context.Context, tx *database.Tx, b *builds.Row, l loss) error {
	ran := s.db.Now().Sub(database.FromMicros(b.StartedAt))
	if l.Waits != nil && patience.IsCharged(l.Waits.Cause) {
		b.Spent += ran.Microseconds()
	}
	if b.CancelRequested {
		return s.end(ctx, tx, b, canceled)
	}
	pause, ended, err := s.judgeLoss(ctx, tx, b, l)
	if err != nil || ended {
		return err
	}
	note := "the attempt was lost"
	if l.Waits != nil {
		note = "the attempt " + l.Why
	}
	seq, err := numbers(tx, b.ID, b.Attempt, 1)
	if err != nil {
		return err
	}
	step, err := lastStep(tx, *b)
	if err != nil {
		return err
	}
	if err := s.interruptSteps(tx, *b, pipeline.CauseInternal, note); err != nil {
		return err
	}
	b.NotBefore = database.Micros(s.db.Now().Add(pause))
	r := builds.Fenced(tx, b.ID, b.Attempt).Updates(map[string]any{
		"state": pipeline.Queued, "losses": b.Losses, "shared_losses": b.SharedLosses, "lost_since": b.LostSince,
		"not_before": b.NotBefore, "spent": b.Spent, "job_id": 0, "owner": "", "lease_until": 0,
		"wait_cause": b.WaitCause, "wait_why": b.WaitWhy, "wait_since": b.WaitSince, "wait_tries": b.WaitTries,
	})
	if err := database.One(r, builds.ErrLost); err != nil {
		return err
	}
	err = tx.Create(&chunkRow{
		BuildID: b.ID, Seq: seq, Attempt: b.Attempt, Step: step, Stream: pipeline.System,
		Time: database.Micros(s.db.Now()), Data: []byte(requeuedLine(*b, l)),
	}).Error
	if err != nil {
		return err
	}
	b.State = pipeline.Queued
	if err := s.tellWait(ctx, tx, b); err != nil { // before the turn: a push takes the rows in this order
		return err
	}
	if err := s.lineAgain(tx, *b, l.Waits != nil && ran >= patience.FreeTurn); err != nil {
		return err
	}
	return tx.Jobs.Insert(ctx, ticket(pause))
}

// judgeLoss decides what a loss means for b: how long it waits, or that it has ended.
func (s *Store) judgeLoss(ctx context.Context, tx *database.Tx, b *builds.Row, l loss) (pause time.Duration, ended bool, err error) {
	if l.Waits != nil {
		return s.waits(ctx, tx, b, *l.Waits)
	}
	if s.count(b, l); l.Clean || l.Shared {
		return l.Pause, false, nil
	}
	others, err := othersDied(tx, *b)
	if err != nil {
		return 0, false, err
	}
	if patience.IsGuilty(b.Losses, others) {
		o := pipeline.Outcome{State: pipeline.Errored, Cause: pipeline.CauseInternal}
		if l.End != nil {
			o = *l.End
		}
		o.Summary = fmt.Sprintf("given up after %d attempts without a result; the last one %s", b.Losses, l.Why)
		return 0, true, s.end(ctx, tx, b, o)
	}
	if !l.Died {
		return patience.Pause(b.Losses, true), false, nil
	}
	// Where no server worked for a while, that counts too: a longer wait does no harm, a shorter one could.
	return patience.Hold(b.Losses, s.db.Now().Sub(database.FromMicros(b.StartedAt))), false, nil
}

// requeuedLine is what a build's log says of it.
func requeuedLine(b builds.Row, l loss) string {
	line := fmt.Sprintf("\nAttempt %d %s. The build is queued again", b.Attempt, l.Why)
	if l.Waits != nil {
		line += " and waits for " + pipeline.Outside(l.Waits.Cause)
	}
	return line + ".\n"
}

// interruptSteps ends the steps of an attempt that still run, where its log has come to.
func (s *Store) interruptSteps(tx *database.Tx, b builds.Row, why pipeline.Cause, note string) error {
	return tx.Model(&builds.StepRow{}).Where("build_id = ? AND attempt = ? AND state = ?", b.ID, b.Attempt, pipeline.StepRunning).
		Updates(map[string]any{
			"state": pipeline.StepErrored, "cause": why, "ended_at": database.Micros(s.db.Now()), "note": note,
			"last_seq": gorm.Expr("(SELECT log_seq FROM builds WHERE id = ?)", b.ID),
		}).Error
}

// lastStep is the step that an attempt came to.
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

// Cancel ends a queued build, and asks the worker of a running one to end it. An ended build is builds.ErrEnded.
func (s *Store) Cancel(ctx context.Context, by people.Actor, id int64) error {
	var b builds.Row
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		if err := tx.Take(&b, id).Error; err != nil {
			return err
		}
		var err error
		switch b.State {
		case pipeline.Queued:
			err = s.endQueued(ctx, tx, &b, canceled)
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
		return s.Cancel(ctx, by, id)
	}
	if err != nil {
		return fmt.Errorf("cancel build %d: %w", id, err)
	}
	if b.State.Ended() {
		s.ended(ctx, b)
	} else {
		s.log.InfoContext(ctx, "build asked to cancel", "build", b.ID, "repo", b.Repo, "sha", b.SHA)
		s.attempts.cancel(id, pipeline.ErrCanceled)
	}
	return nil
}

// endQueued ends a build that waits.
func (s *Store) endQueued(ctx context.Context, tx *database.Tx, b *builds.Row, o pipeline.Outcome) error {
	b.State, b.Cause, b.Summary, b.EndedAt = o.State, o.Cause, o.Summary, database.Micros(s.db.Now())
	r := tx.Model(&builds.Row{}).Where("id = ? AND state = ?", b.ID, pipeline.Queued).
		Updates(map[string]any{"state": b.State, "cause": b.Cause, "summary": b.Summary, "ended_at": b.EndedAt})
	if err := database.One(r, builds.ErrLost); err != nil {
		return err
	}
	status, err := addStatus(tx, *b)
	if err != nil {
		return err
	}
	return tx.Jobs.Insert(ctx, status)
}
