package queue

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"vivarium/pipeline"
	"vivarium/server/loop"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/queue/deaths"
)

// scan puts right what a dead server left: its running builds are queued again, and every build
// that waits has a ticket. Several servers may do so at once. It is no job of River's, since it
// recovers River's jobs.
func (q *Queue) scan(ctx context.Context, boot bool) error {
	if !q.db.Exclusive() {
		q.lookSoon() // another server may have met trouble, and died
	}
	return errors.Join(q.requeueLost(ctx, boot), q.abandonJobs(ctx, boot), q.goOnUnheld(ctx), q.endImpatient(ctx),
		q.replaceTickets(ctx))
}

// requeueLost queues the builds of dead servers again. On SQLite these are all that run at boot,
// and none later.
func (q *Queue) requeueLost(ctx context.Context, boot bool) error {
	if q.db.Exclusive() && !boot {
		return nil
	}
	db := q.db.Read(ctx).Where("state = ?", pipeline.Running)
	if !q.db.Exclusive() {
		db = db.Where("lease_until < " + q.db.Clock())
	}
	var lost []builds.Row
	if err := db.Order("id").Find(&lost).Error; err != nil {
		return err
	}
	for _, b := range lost {
		l, err := q.takeOver(ctx, &b)
		if errors.Is(err, builds.ErrLost) {
			continue
		}
		if err != nil {
			return err
		}
		q.tellRequeued(ctx, b, l)
	}
	return nil
}

// takeOver queues the build of a dead server again. A server that is slow, not dead, may have renewed
// its lease since b was read: that is a builds.ErrLost.
func (q *Queue) takeOver(ctx context.Context, b *builds.Row) (loss, error) {
	l := loss{Why: "was lost: the server that ran it died", Died: true}
	err := q.db.Transact(ctx, func(tx *database.Tx) error {
		r := builds.Fenced(tx, b.ID, b.Attempt).Where("owner = ? AND lease_until = ?", b.Owner, b.LeaseUntil).
			Update("lease_until", 0)
		if err := database.One(r, builds.ErrLost); err != nil {
			return err
		}
		err := tx.Take(b, b.ID).Error
		if err != nil {
			return err
		}
		job := b.JobID
		if l.Shared, err = deaths.Died(tx, *b, q.db.Now()); err != nil {
			return err
		}
		if err := q.requeue(ctx, tx, b, l); err != nil {
			return err
		}
		return tx.Jobs.Abandon(ctx, []int64{job})
	})
	return l, err
}

// abandonJobs ends the jobs that a dead server left running on SQLite, which River itself would do
// after an hour.
func (q *Queue) abandonJobs(ctx context.Context, boot bool) error {
	if !boot || !q.db.Exclusive() {
		return nil
	}
	return q.db.Transact(ctx, func(tx *database.Tx) error {
		var ids []int64
		err := tx.Table("river_job").Where("state = ?", rivertype.JobStateRunning).Pluck("id", &ids).Error
		if err != nil {
			return err
		}
		return tx.Jobs.Abandon(ctx, ids)
	})
}

// replaceTickets makes tickets where there are fewer than builds that wait, as after a claim that
// failed. A build that waits for what is away needs none before that is back.
func (q *Queue) replaceTickets(ctx context.Context) error {
	if q.heldBack.Load() && len(q.attempts.Running()) > 0 {
		return nil // they would be used up at once
	}
	return q.db.Transact(ctx, func(tx *database.Tx) error {
		away, err := awayNow(tx)
		if err != nil || away[pipeline.CauseClone] {
			return err
		}
		var waiting, tickets int64
		err = notForNow(tx.Model(&builds.Row{}).Where("state = ?", pipeline.Queued), away).Count(&waiting).Error
		if err != nil {
			return err
		}
		err = tx.Table("river_job").Where("kind = ? AND state IN ?", buildArgs{}.Kind(), toBeDrawn).
			Count(&tickets).Error
		if err != nil {
			return err
		}
		var jobs []river.InsertManyParams
		for ; tickets < waiting; tickets++ {
			jobs = append(jobs, ticket(0))
		}
		return tx.Jobs.Insert(ctx, jobs...)
	})
}

// toBeDrawn are the states of tickets that a worker will draw.
var toBeDrawn = []rivertype.JobState{
	rivertype.JobStateAvailable,
	rivertype.JobStateScheduled,
	rivertype.JobStateRetryable,
}

// renew keeps the leases of this server's attempts, and ends those that it has lost.
func (q *Queue) renew(ctx context.Context) {
	renewed := q.db.Now()
	loop.Every(ctx, leaseRenew, func() {
		running := q.attempts.Running()
		if len(running) == 0 {
			renewed = q.db.Now()
			return
		}
		started := q.db.Now()
		lost, err := q.renewOnce(ctx, running)
		q.warn(ctx, "cannot renew the leases of running builds", err)
		switch {
		case err == nil:
			renewed = started
		case q.db.Now().Sub(renewed) > leaseTime-time.Second:
			// Another server may have begun these builds anew.
			for id := range running {
				q.attempts.Cancel(id, builds.ErrLost)
			}
		}
		for _, id := range lost {
			q.attempts.Cancel(id, builds.ErrLost)
		}
	})
}

// renewOnce returns the builds that are no longer this server's.
func (q *Queue) renewOnce(ctx context.Context, running map[int64]int) (lost []int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, leaseRenew)
	defer cancel()
	err = q.db.Transact(ctx, func(tx *database.Tx) error {
		lost = nil
		for id, number := range running {
			r := tx.Exec("UPDATE builds SET lease_until = "+q.db.Clock()+" + ?"+
				" WHERE id = ? AND attempt = ? AND state = ?",
				leaseTime.Microseconds(), id, number, pipeline.Running)
			if r.Error != nil {
				return r.Error
			}
			if r.RowsAffected == 0 {
				lost = append(lost, id)
			}
		}
		return nil
	})
	return lost, err
}
