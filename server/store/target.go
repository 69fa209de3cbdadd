package store

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"
)

// claimTime is after how long a sender that did not let go of its target counts as dead.
const claimTime = 2 * time.Minute

// openStatus is the condition of statuses that are still to be sent.
const openStatus = "sent_at = 0 AND failed_at = 0 AND NOT superseded"

// claimTarget takes a target, so that one post at a time is in flight for it; nil when another sender has it.
// A target that waits after a failure is returned without a claim. Where a dead sender held it, its last post may
// have been accepted.
func (w *sender) claimTarget(ctx context.Context, id int64) (*targetRow, error) {
	var t targetRow
	var mine bool
	claim := rand.Text()
	err := w.db.transact(ctx, func(tx *tx) error {
		clock := w.db.clock()
		r := tx.Exec(`UPDATE status_targets
			SET unsure = unsure OR claim <> '', claim = ?, claimed_until = `+clock+` + ?
			WHERE id = ? AND not_before <= ? AND (claim = '' OR claimed_until < `+clock+`)`,
			claim, claimTime.Microseconds(), id, micros(w.now()))
		if r.Error != nil {
			return r.Error
		}
		mine = r.RowsAffected == 1
		return tx.Take(&t, id).Error
	})
	if err != nil {
		return nil, err
	}
	if !mine && t.Claim != "" {
		return nil, nil
	}
	return &t, nil
}

// outbox reads the target's statuses that matter to the next decision, and the version that they are of.
func (w *sender) outbox(ctx context.Context, t *targetRow) ([]statusRow, error) {
	var rows []statusRow
	err := w.db.transact(ctx, func(tx *tx) error {
		var now targetRow
		if err := tx.Take(&now, t.ID).Error; err != nil {
			return err
		}
		if now.Claim != t.Claim {
			return errLost
		}
		t.Version = now.Version
		return tx.Where("target_id = ?", t.ID).Order("id").Find(&rows).Error
	})
	return rows, err
}

func (w *sender) supersede(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	return w.db.transact(ctx, func(tx *tx) error {
		return tx.Model(&statusRow{}).Where("id IN ?", ids).Update("superseded", true).Error
	})
}

// release lets go of the target, unless a status was added since the last look.
func (w *sender) release(ctx context.Context, t *targetRow) (free bool, err error) {
	err = w.db.transact(ctx, func(tx *tx) error {
		r := tx.Model(&targetRow{}).Where("id = ? AND claim = ? AND version = ?", t.ID, t.Claim, t.Version).
			Updates(map[string]any{"claim": "", "claimed_until": 0})
		free = r.RowsAffected == 1
		return r.Error
	})
	return free, err
}

// record writes what became of a post. A target that has to wait is let go.
func (w *sender) record(ctx context.Context, t *targetRow, r *statusRow, p posted) error {
	status := map[string]any{"context": r.Context, "attempts": gorm.Expr("attempts + 1"), "last_error": ""}
	target := map[string]any{"unsure": p.unsure}
	switch {
	case p.err == nil:
		status["sent_at"] = micros(w.now())
	case p.refused:
		status["failed_at"], status["last_error"] = micros(w.now()), p.err.Error()
	default:
		status["last_error"] = p.err.Error()
		target["not_before"], target["claim"], target["claimed_until"] = micros(w.now().Add(p.retry)), "", 0
	}
	err := w.db.transact(ctx, func(tx *tx) error {
		if err := one(tx.Model(&targetRow{}).Where("id = ? AND claim = ?", t.ID, t.Claim).Updates(target), errLost); err != nil {
			return err
		}
		return tx.Model(&statusRow{}).Where("id = ?", r.ID).Updates(status).Error
	})
	if err != nil {
		return err
	}
	t.Unsure = p.unsure
	w.tellPosted(ctx, t, r, p)
	w.watch.wake(r.BuildID)
	return nil
}

func (w *sender) tellPosted(ctx context.Context, t *targetRow, r *statusRow, p posted) {
	log := w.log.With("build", r.BuildID, "repo", t.Repo, "sha", t.SHA, "status", r.State)
	switch {
	case p.err == nil:
		log.InfoContext(ctx, "commit status sent")
	case p.refused:
		log.ErrorContext(ctx, "commit status undeliverable", "err", p.err)
	default:
		log.WarnContext(ctx, "commit status not sent, will be tried again", "err", p.err, "in", p.retry.Round(time.Millisecond))
	}
}

// resumeStatuses gives a job to the targets whose statuses nobody sends any more. On SQLite every
// claim that is there at boot is a dead server's.
func (v *server) resumeStatuses(ctx context.Context, boot bool) error {
	if v.work.Poster == nil {
		return nil
	}
	return v.db.transact(ctx, func(tx *tx) error {
		query := tx.Model(&targetRow{}).Where("id IN (SELECT target_id FROM statuses WHERE " + openStatus + ")")
		if boot && v.db.exclusive() {
			// The claim itself stays: it tells the next sender that a post may have been under way.
			if err := tx.Exec("UPDATE status_targets SET claimed_until = 0 WHERE claim <> ''").Error; err != nil {
				return err
			}
		} else {
			query = query.Where("claim <> '' AND claimed_until < " + v.db.clock())
		}
		var ids []int64
		if err := query.Pluck("id", &ids).Error; err != nil {
			return err
		}
		var jobs []river.InsertManyParams
		for _, id := range ids {
			jobs = append(jobs, statusJob(id, true))
		}
		return tx.river.insert(ctx, jobs...)
	})
}
