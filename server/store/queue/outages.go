package queue

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/queue/patience"
)

const doesNotAnswer = "it does not answer"

// probeTimeout bounds one look.
const probeTimeout = 10 * time.Second

// awayNow are the causes of the outages that claims must heed: what does not answer now.
func awayNow(tx *database.Tx) (map[pipeline.Cause]bool, error) {
	var causes []pipeline.Cause
	err := tx.Model(&builds.OutageRow{}).Pluck("cause", &causes).Error
	away := make(map[pipeline.Cause]bool, len(causes))
	for _, c := range causes {
		away[c] = true
	}
	return away, err
}

// tellAway notes that a build met trouble. The prober looks at once whether others meet it too: it
// may be that build's repository's alone.
func tellAway(tx *database.Tx, c pipeline.Cause, now time.Time) error {
	r := builds.OutageRow{Cause: c, Why: doesNotAnswer, Since: database.Micros(now), NextAt: database.Micros(now)}
	return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&r).Error
}

// SetEngine tells that this server's engine does not answer, and why, in words for everybody; or,
// by an empty text, that it does again.
func (q *Queue) SetEngine(ctx context.Context, why string) error {
	q.engineAway.Store(why != "")
	if why == "" {
		return q.heal(ctx, pipeline.CauseEngine)
	}
	if !q.db.Exclusive() {
		return nil
	}
	err := q.db.Transact(ctx, func(tx *database.Tx) error {
		r := builds.OutageRow{Cause: pipeline.CauseEngine, Why: why, Since: database.Micros(q.db.Now())}
		return tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "cause"}}, DoUpdates: clause.Assignments(map[string]any{"why": why}),
		}).Create(&r).Error
	})
	if err != nil {
		return fmt.Errorf("note that the engine does not answer: %w", err)
	}
	return nil
}

// heal notes that something answers again. The builds that waited for it wait for their turn alone.
func (q *Queue) heal(ctx context.Context, c pipeline.Cause) error {
	err := q.db.Transact(ctx, func(tx *database.Tx) error {
		if err := tx.Where("cause = ?", c).Delete(&builds.OutageRow{}).Error; err != nil {
			return err
		}
		return q.goOn(tx, c)
	})
	if err != nil {
		return fmt.Errorf("note that %s answers again: %w", pipeline.Outside(c), err)
	}
	return nil
}

// goOn has the builds go on that wait for c.
func (q *Queue) goOn(tx *database.Tx, c pipeline.Cause) error {
	now := database.Micros(q.db.Now())
	return tx.Model(&builds.Row{}).Where(waits+" AND wait_cause = ?", c).Updates(map[string]any{
		"wait_cause": "", "not_before": gorm.Expr("CASE WHEN not_before < ? THEN ? ELSE not_before END", now, now),
	}).Error
}

// goOnUnheld has builds go on whose own pause is over and that wait for something that is not known
// to be away. That is how a build goes on after trouble that nothing probes, and after an outage
// whose end was not noted.
func (q *Queue) goOnUnheld(ctx context.Context) error {
	held := []pipeline.Cause{""}
	if q.engineAway.Load() {
		held = append(held, pipeline.CauseEngine)
	}
	unheld := func(db *gorm.DB) *gorm.DB { // in one statement: another server may note both now
		return db.Model(&builds.Row{}).
			Where(waits+" AND not_before <= ? AND wait_cause NOT IN ?", database.Micros(q.db.Now()), held).
			Where("wait_cause NOT IN (SELECT cause FROM outages WHERE cause <> ?)", pipeline.CauseEngine)
	}
	var ids []int64
	if err := unheld(q.db.Read(ctx)).Limit(1).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		return err
	}
	return q.db.Transact(ctx, func(tx *database.Tx) error { return unheld(tx.DB).Update("wait_cause", "").Error })
}

// waits is the condition of queued builds that wait for something outside: that of an index, since
// wait_cause is empty while a build runs.
const waits = "ended_at = 0 AND wait_cause <> ''"

// prober looks at what does not answer until it does, once for all builds that wait. It sleeps
// while there is nothing to look at.
func (q *Queue) prober(ctx context.Context) {
	for {
		next, err := q.probeAll(ctx)
		q.warn(ctx, "cannot look whether what failed answers again", err)
		if err != nil {
			next = q.db.Now().Add(scanEvery)
		}
		var due <-chan time.Time
		if !next.IsZero() {
			due = time.After(max(next.Sub(q.db.Now()), 10*time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return
		case <-q.look:
		case <-due:
		}
	}
}

// lookSoon tells the prober that there may be something to look at.
func (q *Queue) lookSoon() {
	select {
	case q.look <- struct{}{}:
	default: // it was told already
	}
}

// probeAll looks at what is due, and says when something is next; zero while nothing is away.
func (q *Queue) probeAll(ctx context.Context) (next time.Time, err error) {
	var rows []builds.OutageRow
	if err := q.db.Read(ctx).Where("cause <> ?", pipeline.CauseEngine).Find(&rows).Error; err != nil {
		return next, err
	}
	for _, t := range rows {
		at := database.FromMicros(t.NextAt)
		if !at.After(q.db.Now()) {
			if at, err = q.probe(ctx, t); err != nil {
				return next, err
			}
		}
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next, nil
}

// probe looks once, unless another server does, and says when to look again; zero when it answers.
func (q *Queue) probe(ctx context.Context, t builds.OutageRow) (next time.Time, err error) {
	next = q.db.Now().Add(patience.Spread(patience.LookPause(t.Tries + 1)))
	mine := func(db *gorm.DB) *gorm.DB {
		return db.Model(&builds.OutageRow{}).Where("cause = ? AND tries = ?", t.Cause, t.Tries)
	}
	taken := false
	err = q.db.Transact(ctx, func(tx *database.Tx) error {
		r := mine(tx.DB).Updates(map[string]any{"tries": t.Tries + 1, "next_at": database.Micros(next)})
		taken = r.RowsAffected > 0
		return r.Error
	})
	if err != nil || !taken {
		return next, err
	}
	t.Tries++
	if why := q.ask(ctx, t.Cause); why != nil {
		if t.Tries == 1 {
			q.log.WarnContext(ctx, "builds wait", "for", pipeline.Outside(t.Cause), "why", why)
		}
		return next, q.db.Transact(ctx, func(tx *database.Tx) error {
			return mine(tx.DB).Update("why", why.Error()).Error
		})
	}
	if err := q.heal(ctx, t.Cause); err != nil {
		return next, err
	}
	if t.Tries > 1 {
		away := q.db.Now().Sub(database.FromMicros(t.Since))
		q.log.InfoContext(ctx, "builds go on", "for", pipeline.Outside(t.Cause), "away", away.String())
	}
	return time.Time{}, q.replaceTickets(ctx)
}

// ask asks something whether it answers. It is nil, too, where nothing is there to ask with.
func (q *Queue) ask(ctx context.Context, c pipeline.Cause) error {
	if !q.probed(c) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return q.work.Probe(ctx, c)
}
