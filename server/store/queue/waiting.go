package queue

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/queue/patience"
)

// Trouble outside (an Outcome with Heals) ends an attempt and not its build: it is queued again,
// keeps its place, and says what it waits for. Patience bounds that.

// probes reports whether one look is made for all builds, at what ends one for this cause: by the
// prober, or by Ready before a build begins.
func (w Work) probes(c pipeline.Cause) bool {
	switch c {
	case pipeline.CauseClone, pipeline.CauseIndex:
		return w.Probe != nil
	case pipeline.CauseEngine:
		return w.Ready != nil
	}
	return false
}

func (w Work) patience() time.Duration { return cmp.Or(w.Patience, patience.Default) }

// hold queues a build again whose attempt was ended by trouble outside, or ends it where its
// patience is over.
func (w *buildWorker) hold(ctx context.Context, b builds.Row, o pipeline.Outcome, job *river.Job[buildArgs]) error {
	l := loss{Why: "was ended by trouble outside (" + o.Summary + ")", Clean: true, Waits: &o}
	if err := w.giveBack(ctx, b, l, job); err != nil {
		return err
	}
	if w.probed(o.Cause) {
		w.lookSoon()
	}
	return nil
}

// probed reports whether the prober looks at what ends builds for this cause.
func (q *Queue) probed(c pipeline.Cause) bool { return c != pipeline.CauseEngine && q.work.probes(c) }

// waits notes in b what it waits for, and gives how long it does at least. Where its patience is
// over, it has ended.
func (q *Queue) waits(
	ctx context.Context, tx *database.Tx, b *builds.Row, o pipeline.Outcome,
) (pause time.Duration, ended bool, err error) {
	now := q.db.Now()
	since, over := patience.Since(database.FromMicros(b.WaitSince), database.FromMicros(b.NotBefore),
		database.FromMicros(b.StartedAt), now, q.work.patience())
	if over {
		return 0, true, q.end(ctx, tx, b, patience.InVain(o.Cause, o.Summary, since, now))
	}
	if database.Micros(since) != b.WaitSince {
		b.WaitTries = 0
	}
	b.WaitCause, b.WaitWhy, b.WaitSince, b.WaitTries = o.Cause, o.Summary, database.Micros(since), b.WaitTries+1
	if o.Cause != pipeline.CauseEngine && q.work.probes(o.Cause) {
		err = tellAway(tx, o.Cause, now)
	}
	if pause = patience.Pause(b.WaitTries, q.work.probes(o.Cause)); pause > 0 {
		pause = patience.Spread(pause)
	}
	return pause, false, err
}

// tellWait adds a pending status that says what a build waits for, unless the last one says so.
func (q *Queue) tellWait(ctx context.Context, tx *database.Tx, b *builds.Row) error {
	if b.WaitCause == "" || b.WaitCause == b.WaitTold {
		return nil
	}
	return q.tellPending(ctx, tx, b, b.WaitCause)
}

// tellBegun adds a pending status where the last one says that b waits: it has begun.
func (q *Queue) tellBegun(ctx context.Context, tx *database.Tx, b *builds.Row) error {
	if b.WaitTold == "" || b.WaitTries > patience.ToldTries {
		return nil
	}
	return q.tellPending(ctx, tx, b, "")
}

// tellPending adds a pending status that says what b waits for; with an empty cause, that it does
// not.
func (q *Queue) tellPending(ctx context.Context, tx *database.Tx, b *builds.Row, told pipeline.Cause) error {
	b.WaitTold = told
	if err := tx.Model(&builds.Row{}).Where("id = ?", b.ID).Update("wait_told", told).Error; err != nil {
		return err
	}
	status, err := q.addStatus(tx, *b)
	if err != nil {
		return err
	}
	return tx.Jobs.Insert(ctx, status)
}

// endImpatient ends the queued builds whose patience is over: what they wait for has not come back.
// goOnUnheld is called before, for those that were only not tried yet.
func (q *Queue) endImpatient(ctx context.Context) error {
	var late []builds.Row
	err := q.db.Read(ctx).Where(waits+" AND wait_since <= ?", database.Micros(q.db.Now().Add(-q.work.patience()))).
		Order("wait_since, id").Find(&late).Error
	for _, b := range late {
		if err != nil {
			return err
		}
		err = q.db.Transact(ctx, func(tx *database.Tx) error {
			still := tx.Model(&builds.Row{}).Where("id = ? AND wait_cause = ?", b.ID, b.WaitCause).
				Update("wait_cause", b.WaitCause)
			if err := database.One(still, builds.ErrLost); err != nil {
				return err
			}
			since := database.FromMicros(b.WaitSince)
			return q.endQueued(ctx, tx, &b, patience.InVain(b.WaitCause, b.WaitWhy, since, q.db.Now()))
		})
		switch {
		case err == nil:
			q.ended(ctx, b)
		case errors.Is(err, builds.ErrLost): // it has begun meanwhile, or goes on
			err = nil
		}
	}
	return err
}

// notForNow leaves out the builds that wait for what is away.
func notForNow(db *gorm.DB, away map[pipeline.Cause]bool) *gorm.DB {
	if away[pipeline.CauseIndex] {
		return db.Where("wait_cause <> ?", pipeline.CauseIndex)
	}
	return db
}
