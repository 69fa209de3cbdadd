package store

import (
	"context"
	"net/http"

	"github.com/riverqueue/river"

	"vivarium/server/store/database"
	"vivarium/server/store/outbox"
)

// refusals are the codes that a credential of more rights may mend.
var refusals = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}

// resumeStatuses gives a job to the targets whose statuses nobody sends any more. On SQLite every
// claim that is there at boot is a dead server's.
func (v *server) resumeStatuses(ctx context.Context, boot bool) error {
	if v.work.Poster == nil {
		return nil
	}
	return v.db.Transact(ctx, func(tx *database.Tx) error {
		if boot && v.db.Exclusive() {
			// The claim itself stays: it tells the next sender that a post may have been under way.
			if err := tx.Exec("UPDATE status_targets SET claimed_until = 0 WHERE claim <> ''").Error; err != nil {
				return err
			}
			return insertSenders(ctx, tx, "TRUE")
		}
		return insertSenders(ctx, tx, "target_id IN (SELECT id FROM status_targets WHERE claim <> '' AND claimed_until < "+v.db.Clock()+")")
	})
}

// insertSenders makes a job for each target of which a status is open that fulfils a condition, ends first.
func insertSenders(ctx context.Context, tx *database.Tx, condition string, args ...any) error {
	var waiting []struct {
		TargetID int64
		Ends     int
	}
	err := tx.Raw("SELECT target_id, max(CASE WHEN state <> 'pending' THEN 1 ELSE 0 END) AS ends FROM statuses WHERE "+
		openStatus+" AND ("+condition+") GROUP BY target_id ORDER BY target_id", args...).Scan(&waiting).Error
	if err != nil {
		return err
	}
	var jobs []river.InsertManyParams
	for _, t := range waiting {
		jobs = append(jobs, statusJob(t.TargetID, t.Ends == 1))
	}
	return tx.Jobs.Insert(ctx, jobs...)
}

// resume has the statuses tried now that the host refused with one of these codes.
func (v *server) resume(ctx context.Context, codes ...int) error {
	return v.db.Transact(ctx, func(tx *database.Tx) error {
		err := tx.Exec("UPDATE status_targets SET not_before = 0 WHERE id IN (SELECT target_id FROM statuses WHERE "+
			openStatus+" AND code IN ?)", codes).Error
		if err != nil {
			return err
		}
		return insertSenders(ctx, tx, "code IN ?", codes)
	})
}

// revive opens the statuses again that were given up too early: an older version did so at the first refusal, for whatever reason.
func (v *server) revive(ctx context.Context) error {
	return v.db.Transact(ctx, func(tx *database.Tx) error {
		return tx.Exec("UPDATE statuses SET failed_at = 0 WHERE failed_at > 0 AND queued_at > ? AND (code IN ? OR code = ? AND NOT plain)",
			database.Micros(v.db.Now().Add(-outbox.GiveUpAfter)), refusals, http.StatusUnprocessableEntity).Error
	})
}

// startStatuses gives every status that waits for something that the operator can mend its chance at the start of a server: a
// restart is how most settings are changed.
func (v *server) startStatuses(ctx context.Context) error {
	if v.work.Poster == nil {
		return nil
	}
	if err := v.revive(ctx); err != nil {
		return err
	}
	return v.resume(ctx, append([]int{http.StatusUnprocessableEntity}, refusals...)...)
}

// credential names what the Poster would use now.
func (v *server) credential() string {
	if v.work.Credential == nil {
		return ""
	}
	return v.work.Credential()
}

// followCredential has what was refused tried at once with a credential that has been changed, until ctx ends.
func (v *server) followCredential(ctx context.Context, last string) {
	every(ctx, v.pace().Look, func() {
		now := v.credential()
		if now == last {
			return
		}
		if err := v.resume(ctx, refusals...); err != nil {
			v.warn(ctx, "cannot send the statuses that were refused", err)
			return // the next look tries again
		}
		last = now
		v.log.InfoContext(ctx, "the token has been changed; statuses that were refused are tried again")
	})
}

func (v *server) pace() outbox.Pace {
	if v.work.pace != (outbox.Pace{}) {
		return v.work.pace
	}
	return outbox.UsualPace
}
