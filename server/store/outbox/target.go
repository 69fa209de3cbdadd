package outbox

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"vivarium/server/store/database"
)

// claimTime is after how long a sender that did not let go of its target counts as dead.
const claimTime = 2 * time.Minute

// isOpen is the condition of statuses that are still to be sent.
const isOpen = "sent_at = 0 AND failed_at = 0 AND NOT superseded"

// errLost says that another sender has taken the target meanwhile.
var errLost = errors.New("another sender has taken over the commit's statuses")

// claim takes a target, so that one post at a time is in flight for it, and says what to send
// first; nil when there is nothing, another sender has it, or it waits after a failure. Where a
// dead sender held it, nobody knows what became of its last post, which was of the oldest status
// that is open.
func (s *Sender) claim(ctx context.Context, id int64) (t targetRow, send *statusRow, err error) {
	claim := rand.Text()
	err = s.db.Transact(ctx, func(tx *database.Tx) error {
		t, send = targetRow{}, nil
		clock, now := s.db.Clock(), s.db.Now()
		r := tx.Exec(`UPDATE status_targets
			SET late_id = CASE WHEN claim <> '' AND late_until < ? THEN
					coalesce((SELECT min(id) FROM statuses WHERE target_id = status_targets.id AND `+isOpen+`), 0)
					ELSE late_id END,
				late_until = CASE WHEN claim <> '' THEN ? ELSE late_until END,
				claim = ?, claimed_until = `+clock+` + ?
			WHERE id = ? AND not_before <= ? AND (claim = '' OR claimed_until < `+clock+`)`,
			database.Micros(now), database.Micros(now.Add(s.Pace.Late)), claim, claimTime.Microseconds(), id,
			database.Micros(now))
		if r.Error != nil {
			return r.Error
		}
		if err := tx.Take(&t, id).Error; err != nil || r.RowsAffected == 0 {
			return err
		}
		send, err = s.choose(tx, &t)
		return err
	})
	return t, send, err
}

// choose decides in a transaction what to send next, and lets go of the target when there is
// nothing, or nothing yet.
func (s *Sender) choose(tx *database.Tx, t *targetRow) (*statusRow, error) {
	var rows []statusRow
	if err := tx.Where("target_id = ?", t.ID).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	now := s.db.Now()
	tight, err := s.extrasWait(tx, s.Account(t.Repo))
	if err != nil {
		return nil, err
	}
	send, superseded := next(rows, now, tight > 0)
	if len(superseded) > 0 {
		if err := tx.Model(&statusRow{}).Where("id IN ?", superseded).Update("superseded", true).Error; err != nil {
			return nil, err
		}
	}
	t.wait = 0
	if send == nil {
		send, t.wait = again(rows, *t, now)
	} else if !send.ends() && tight > 0 {
		send, t.wait = nil, tight+Jitter(s.Pace.Yield)
	} else if !send.ends() && isBehind(*send, now) {
		first, err := endsWait(tx, now)
		if err != nil {
			return nil, err
		}
		if first {
			send, t.wait = nil, s.Pace.Yield+Jitter(s.Pace.Yield)
		}
	}
	if send != nil {
		return send, nil
	}
	// Who adds a status changes the target's row first, and so waits for this transaction or is
	// seen by it.
	return nil, database.One(tx.Model(&targetRow{}).Where("id = ? AND claim = ?", t.ID, t.Claim).
		Updates(map[string]any{"claim": "", "claimed_until": 0}), errLost)
}

// endsWait reports whether the end of a build waits to be sent that nobody works on. Where the
// outbox is behind, beginnings let it go first: GitHub takes 500 statuses an hour, and it is the
// ends that people wait for.
func endsWait(tx *database.Tx, now time.Time) (bool, error) {
	var found []int64
	err := tx.Raw(`SELECT statuses.id FROM statuses JOIN status_targets ON status_targets.id = statuses.target_id
		WHERE `+isOpen+` AND state <> 'pending' AND claim = '' AND not_before <= ? LIMIT 1`, database.Micros(now)).
		Scan(&found).Error
	return len(found) > 0, err
}
