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

// claimTarget takes a target, so that one post at a time is in flight for it, and says what to send first; nil
// when there is nothing, another sender has it, or it waits after a failure. Where a dead sender held it, its last post may
// have been accepted.
func (w *sender) claimTarget(ctx context.Context, id int64) (t targetRow, send *statusRow, err error) {
	claim := rand.Text()
	err = w.db.transact(ctx, func(tx *tx) error {
		clock := w.db.clock()
		r := tx.Exec(`UPDATE status_targets
			SET unsure = unsure OR claim <> '', claim = ?, claimed_until = `+clock+` + ?
			WHERE id = ? AND not_before <= ? AND (claim = '' OR claimed_until < `+clock+`)`,
			claim, claimTime.Microseconds(), id, micros(w.now()))
		if r.Error != nil {
			return r.Error
		}
		if err := tx.Take(&t, id).Error; err != nil || r.RowsAffected == 0 {
			return err
		}
		send, err = w.look(tx, &t)
		return err
	})
	return t, send, err
}

// look decides in a transaction what to send next, and lets go of the target when there is nothing.
func (w *sender) look(tx *tx, t *targetRow) (*statusRow, error) {
	var rows []statusRow
	if err := tx.Where("target_id = ?", t.ID).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	send, superseded := next(rows, w.now())
	if len(superseded) > 0 {
		if err := tx.Model(&statusRow{}).Where("id IN ?", superseded).Update("superseded", true).Error; err != nil {
			return nil, err
		}
	}
	if send != nil {
		return send, nil
	}
	// Who adds a status changes the target's row first, and so waits for this transaction or is seen by it.
	return nil, one(tx.Model(&targetRow{}).Where("id = ? AND claim = ?", t.ID, t.Claim).
		Updates(map[string]any{"claim": "", "claimed_until": 0}), errLost)
}

// record writes what became of a post and says what to send next. A target that has to wait is let go.
func (w *sender) record(ctx context.Context, t *targetRow, r *statusRow, p posted) (send *statusRow, err error) {
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
	err = w.db.transact(ctx, func(tx *tx) error {
		if err := one(tx.Model(&targetRow{}).Where("id = ? AND claim = ?", t.ID, t.Claim).Updates(target), errLost); err != nil {
			return err
		}
		if err := tx.Model(&statusRow{}).Where("id = ?", r.ID).Updates(status).Error; err != nil || p.retry > 0 {
			return err
		}
		send, err = w.look(tx, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	t.Unsure = p.unsure
	w.tellPosted(ctx, t, r, p)
	w.watch.wake(r.BuildID)
	return send, nil
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
