package outbox

import (
	"context"
	"net/http"
	"time"

	"gorm.io/gorm"

	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// record writes what became of a post and says what to send next. A target that has to wait is let
// go.
func (s *Sender) record(ctx context.Context, t *targetRow, r *statusRow, p Result) (send *statusRow, err error) {
	status, target := s.changes(*t, *r, p)
	err = s.db.Transact(ctx, func(tx *database.Tx) error {
		send = nil
		if p.Plain && r.SentAt == 0 {
			if status["payload"], err = plainDescription(tx, *r); err != nil {
				return err
			}
		}
		if err := update(tx, t, r, target, status); err != nil || p.Retry > 0 {
			return err
		}
		if err := tx.Take(t, t.ID).Error; err != nil {
			return err
		}
		send, err = s.choose(tx, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.tellPosted(ctx, t, r, p)
	s.Wake(r.BuildID)
	return send, nil
}

// update writes the changes of a target and of its status, which may have none. It fails when the
// target's claim was lost.
func update(tx *database.Tx, t *targetRow, r *statusRow, target, status map[string]any) error {
	held := tx.Model(&targetRow{}).Where("id = ? AND claim = ?", t.ID, t.Claim).Updates(target)
	if err := database.One(held, errLost); err != nil || len(status) == 0 {
		return err
	}
	return tx.Model(&statusRow{}).Where("id = ?", r.ID).Updates(status).Error
}

// changes are what an attempt changes in the rows of the status and of its target.
func (s *Sender) changes(t targetRow, r statusRow, p Result) (status, target map[string]any) {
	now := s.db.Now()
	target = map[string]any{}
	if p.Retry > 0 {
		target["claim"], target["claimed_until"] = "", 0
	}
	if r.SentAt > 0 { // it was sent again, for safety's sake: newer states do not wait for that
		target["late_until"] = 0
		if p.Retry > 0 && now.Sub(database.FromMicros(r.SentAt)) < GiveUpAfter {
			target["late_until"] = database.Micros(now.Add(p.Retry))
		}
		return nil, target
	}
	if p.Retry > 0 {
		target["not_before"] = database.Micros(now.Add(p.Retry))
	}
	if p.Unsure {
		target["late_id"], target["late_until"] = t.doubted(r, now, s.Pace)
	}
	if r.Kind == kindCheck && t.CheckID != 0 {
		target["check_id"] = t.CheckID
	}
	if len(target) == 0 {
		target["claim"] = t.Claim // so that a claim that was lost is noticed
	}
	return changesOf(r, p, now), target
}

// changesOf are what an attempt changes in the row of a status that has not been sent.
func changesOf(r statusRow, p Result, now time.Time) map[string]any {
	status := map[string]any{
		"context":    r.Context,
		"last_error": "",
		"code":       p.Code,
		"tried_at":   database.Micros(now),
	}
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

func (s *Sender) tellPosted(ctx context.Context, t *targetRow, r *statusRow, p Result) {
	log := s.Log.With("build", r.BuildID, "repo", t.Repo, "sha", t.SHA, "status", r.State)
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
		log.WarnContext(ctx, "commit status not sent, will be tried again", "err", p.Err,
			"in", p.Retry.Round(time.Millisecond))
	}
}
