package outbox

import (
	"context"
	"net/http"

	"github.com/riverqueue/river"

	"vivarium/server/store/database"
)

// refusals are the codes that a credential of more rights may mend.
var refusals = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}

// Start gives every status that waits for something that the operator can mend its chance at the
// start of a server: a restart is how most settings are changed.
func (s *Sender) Start(ctx context.Context) error {
	if s.Reporter == nil {
		return nil
	}
	s.credential = s.Credential()
	if err := s.revive(ctx); err != nil {
		return err
	}
	return s.retry(ctx, append([]int{http.StatusUnprocessableEntity}, refusals...)...)
}

// Resume gives a job to the targets whose statuses nobody sends any more. On SQLite every claim
// that is there at boot is a dead server's.
func (s *Sender) Resume(ctx context.Context, boot bool) error {
	if s.Reporter == nil {
		return nil
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		if boot && s.db.Exclusive() {
			// The claim itself stays: it tells the next sender that a post may have been under way.
			if err := tx.Exec("UPDATE status_targets SET claimed_until = 0 WHERE claim <> ''").Error; err != nil {
				return err
			}
			return insertJobs(ctx, tx, "TRUE")
		}
		return insertJobs(ctx, tx, "target_id IN (SELECT id FROM status_targets WHERE claim <> '' AND claimed_until < "+
			s.db.Clock()+")")
	})
}

// Look has what was refused tried at once when the credential is another than it was at Start, or
// at an earlier Look that succeeded.
func (s *Sender) Look(ctx context.Context) error {
	now := s.Credential()
	if s.Reporter == nil || now == s.credential {
		return nil
	}
	if err := s.retry(ctx, refusals...); err != nil {
		return err
	}
	s.credential = now
	s.Log.InfoContext(ctx, "the token has been changed; statuses that were refused are tried again")
	return nil
}

// revive opens the statuses again that were given up too early: an older version did so at the
// first refusal, for whatever reason.
func (s *Sender) revive(ctx context.Context) error {
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		return tx.Exec(`UPDATE statuses SET failed_at = 0
				WHERE failed_at > 0 AND queued_at > ? AND (code IN ? OR code = ? AND NOT plain)`,
			database.Micros(s.db.Now().Add(-GiveUpAfter)), refusals, http.StatusUnprocessableEntity).Error
	})
}

// retry has the statuses tried now that the host refused with one of these codes.
func (s *Sender) retry(ctx context.Context, codes ...int) error {
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		err := tx.Exec("UPDATE status_targets SET not_before = 0 WHERE id IN (SELECT target_id FROM statuses WHERE "+
			isOpen+" AND code IN ?)", codes).Error
		if err != nil {
			return err
		}
		return insertJobs(ctx, tx, "code IN ?", codes)
	})
}

// insertJobs makes a job for each target of which a status is open that fulfils a condition, ends
// first.
func insertJobs(ctx context.Context, tx *database.Tx, condition string, args ...any) error {
	var waiting []struct {
		TargetID int64
		Ends     int
	}
	err := tx.Raw("SELECT target_id, max(CASE WHEN state <> 'pending' THEN 1 ELSE 0 END) AS ends FROM statuses WHERE "+
		isOpen+" AND ("+condition+") GROUP BY target_id ORDER BY target_id", args...).Scan(&waiting).Error
	if err != nil {
		return err
	}
	var jobs []river.InsertManyParams
	for _, t := range waiting {
		jobs = append(jobs, jobFor(t.TargetID, t.Ends == 1))
	}
	return tx.Jobs.Insert(ctx, jobs...)
}
