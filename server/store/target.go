package store

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"gorm.io/gorm"

	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/outbox"
)

// claimTime is after how long a sender that did not let go of its target counts as dead.
const claimTime = 2 * time.Minute

// openStatus is the condition of statuses that are still to be sent.
const openStatus = "sent_at = 0 AND failed_at = 0 AND NOT superseded"

// claimTarget takes a target, so that one post at a time is in flight for it, and says what to send first; nil when there is
// nothing, another sender has it, or it waits after a failure. Where a dead sender held it, nobody knows what became of its last
// post, which was of the oldest status that is open.
func (w *sender) claimTarget(ctx context.Context, id int64) (t targetRow, send *statusRow, err error) {
	claim := rand.Text()
	err = w.db.Transact(ctx, func(tx *database.Tx) error {
		t, send = targetRow{}, nil
		clock, now := w.db.Clock(), w.db.Now()
		r := tx.Exec(`UPDATE status_targets
			SET late_id = CASE WHEN claim <> '' AND late_until < ? THEN
					coalesce((SELECT min(id) FROM statuses WHERE target_id = status_targets.id AND `+openStatus+`), 0) ELSE late_id END,
				late_until = CASE WHEN claim <> '' THEN ? ELSE late_until END,
				claim = ?, claimed_until = `+clock+` + ?
			WHERE id = ? AND not_before <= ? AND (claim = '' OR claimed_until < `+clock+`)`,
			database.Micros(now), database.Micros(now.Add(w.pace().Late)), claim, claimTime.Microseconds(), id, database.Micros(now))
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

// look decides in a transaction what to send next, and lets go of the target when there is nothing, or nothing yet.
func (w *sender) look(tx *database.Tx, t *targetRow) (*statusRow, error) {
	var rows []statusRow
	if err := tx.Where("target_id = ?", t.ID).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	now := w.db.Now()
	send, superseded := next(rows, now)
	if len(superseded) > 0 {
		if err := tx.Model(&statusRow{}).Where("id IN ?", superseded).Update("superseded", true).Error; err != nil {
			return nil, err
		}
	}
	t.wait = 0
	if send == nil {
		send, t.wait = again(rows, *t, now)
	} else if !send.ends() && isBehind(*send, now) {
		first, err := endsWait(tx, now)
		if err != nil {
			return nil, err
		}
		if first {
			send, t.wait = nil, w.pace().Yield+outbox.Jitter(w.pace().Yield)
		}
	}
	if send != nil {
		return send, nil
	}
	// Who adds a status changes the target's row first, and so waits for this transaction or is seen by it.
	return nil, database.One(tx.Model(&targetRow{}).Where("id = ? AND claim = ?", t.ID, t.Claim).
		Updates(map[string]any{"claim": "", "claimed_until": 0}), builds.ErrLost)
}

// endsWait reports whether the end of a build waits to be sent that nobody works on. Where the outbox is behind, beginnings let
// it go first: GitHub takes 500 statuses an hour, and it is the ends that people wait for.
func endsWait(tx *database.Tx, now time.Time) (bool, error) {
	var found []int64
	err := tx.Raw(`SELECT statuses.id FROM statuses JOIN status_targets ON status_targets.id = statuses.target_id
		WHERE `+openStatus+` AND state <> 'pending' AND claim = '' AND not_before <= ? LIMIT 1`, database.Micros(now)).Scan(&found).Error
	return len(found) > 0, err
}

// record writes what became of a post and says what to send next. A target that has to wait is let go.
func (w *sender) record(ctx context.Context, t *targetRow, r *statusRow, p outbox.Result) (send *statusRow, err error) {
	status, target := w.changes(*t, *r, p)
	err = w.db.Transact(ctx, func(tx *database.Tx) error {
		send = nil
		if p.Plain && r.SentAt == 0 {
			if status["description"], err = plainDescription(tx, *r); err != nil {
				return err
			}
		}
		if err := database.One(tx.Model(&targetRow{}).Where("id = ? AND claim = ?", t.ID, t.Claim).Updates(target), builds.ErrLost); err != nil {
			return err
		}
		if len(status) > 0 {
			if err := tx.Model(&statusRow{}).Where("id = ?", r.ID).Updates(status).Error; err != nil {
				return err
			}
		}
		if p.Retry > 0 {
			return nil
		}
		if err := tx.Take(t, t.ID).Error; err != nil {
			return err
		}
		send, err = w.look(tx, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	w.tellPosted(ctx, t, r, p)
	w.watch.wake(r.BuildID)
	return send, nil
}

// changes are what an attempt changes in the rows of the status and of its target.
func (w *sender) changes(t targetRow, r statusRow, p outbox.Result) (status, target map[string]any) {
	now := w.db.Now()
	target = map[string]any{}
	if p.Retry > 0 {
		target["claim"], target["claimed_until"] = "", 0
	}
	if r.SentAt > 0 { // it was sent again, for safety's sake: newer states do not wait for that
		target["late_until"] = 0
		if p.Retry > 0 && now.Sub(database.FromMicros(r.SentAt)) < outbox.GiveUpAfter {
			target["late_until"] = database.Micros(now.Add(p.Retry))
		}
		return nil, target
	}
	if p.Retry > 0 {
		target["not_before"] = database.Micros(now.Add(p.Retry))
	}
	if p.Unsure {
		target["late_id"], target["late_until"] = t.doubted(r, now, w.pace())
	}
	if len(target) == 0 {
		target["claim"] = t.Claim // so that a claim that was lost is noticed
	}
	return changesOf(r, p, now), target
}

// changesOf are what an attempt changes in the row of a status that has not been sent.
func changesOf(r statusRow, p outbox.Result, now time.Time) map[string]any {
	status := map[string]any{"context": r.Context, "last_error": "", "code": p.Code, "tried_at": database.Micros(now)}
	if p.Err != nil {
		status["last_error"] = p.Err.Error()
	}
	if p.Held {
		return status
	}
	status["attempts"] = gorm.Expr("attempts + 1")
	switch {
	case p.Err == nil:
		status["sent_at"] = database.Micros(now)
	case p.Gone:
		status["failed_at"] = database.Micros(now)
	case p.Plain:
		status["plain"] = true
	case p.Code == http.StatusUnauthorized:
		status["failing_since"] = 0
	case r.FailingSince == 0:
		status["failing_since"] = database.Micros(now)
	}
	return status
}

// plainDescription is what r says in plain words.
func plainDescription(tx *database.Tx, r statusRow) (string, error) {
	var b builds.Row
	if err := tx.Select("cause").Take(&b, r.BuildID).Error; err != nil {
		return "", err
	}
	return plainWords(r.State, b.Cause), nil
}

func (w *sender) tellPosted(ctx context.Context, t *targetRow, r *statusRow, p outbox.Result) {
	log := w.log.With("build", r.BuildID, "repo", t.Repo, "sha", t.SHA, "status", r.State)
	switch {
	case r.SentAt > 0:
		log.DebugContext(ctx, "commit status sent again, after an earlier one of unknown outcome", "err", p.Err)
	case p.Err == nil:
		log.InfoContext(ctx, "commit status sent")
	case p.Gone:
		log.ErrorContext(ctx, "commit status given up", "err", p.Err)
	case p.Plain:
		log.WarnContext(ctx, "commit status refused, is sent in plain words", "err", p.Err)
	case p.Held:
		log.DebugContext(ctx, "commit status waits", "err", p.Err, "in", p.Retry.Round(time.Millisecond))
	default:
		log.WarnContext(ctx, "commit status not sent, will be tried again", "err", p.Err, "in", p.Retry.Round(time.Millisecond))
	}
}

// targetRow is what statuses are posted to, and who is posting. A server posts under one
// context, so repository and commit are the whole key.
type targetRow struct {
	ID           int64 `gorm:"primaryKey"`
	Repo         string
	SHA          string `gorm:"column:sha"`
	Version      int64  // grows with every status that is added, which locks the row
	Claim        string // the job that posts now; empty for none
	ClaimedUntil int64
	NotBefore    int64 // after a failure nothing is posted until then
	LateUntil    int64 // until then a post whose outcome is unknown may take effect; 0: there is none
	LateID       int64 // the status that it was of

	wait time.Duration // until there is something to send, as far as is known
}

func (targetRow) TableName() string { return "status_targets" }

// dropJobs removes the jobs that send a repository's statuses, by its name in lower case. What other jobs say of errors may
// name it too.
func dropJobs(tx *database.Tx, key string) (int64, error) {
	r := tx.Exec("DELETE FROM river_job WHERE kind = ? AND "+tx.JobNumber("target")+" IN (SELECT id FROM status_targets WHERE lower(repo) = ?)",
		statusArgs{}.Kind(), key)
	if r.Error != nil {
		return 0, r.Error
	}
	err := tx.Exec(`UPDATE river_job SET errors = NULL WHERE lower(`+tx.JobErrors()+`) LIKE ? ESCAPE '\'`, database.Containing(key)).Error
	return r.RowsAffected, err
}

// dropTargets removes a repository's targets, with their statuses.
func dropTargets(tx *database.Tx, key string) error {
	return tx.Where("lower(repo) = ?", key).Delete(&targetRow{}).Error
}
