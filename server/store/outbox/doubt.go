package outbox

import (
	"time"

	"vivarium/server/store/database"
)

// A post whose outcome is unknown (a time-out) may take effect after a newer one that was accepted.
// So what was accepted after it is posted once more when that can no longer happen: posting the
// same state again is harmless, and the newest counts.

// doubted is what a target remembers after the post of r ended without a word about its outcome.
func (t targetRow) doubted(r statusRow, now time.Time, p Pace) (id, until int64) {
	id = r.ID
	if t.LateUntil > database.Micros(now) {
		id = min(id, t.LateID) // what is after the older one is after both
	}
	return id, database.Micros(now.Add(p.Late))
}

// again decides which state of a target, of which nothing is left to be sent, is posted once more,
// and when.
func again(rows []statusRow, t targetRow, now time.Time) (repeat *statusRow, wait time.Duration) {
	if t.LateUntil == 0 {
		return nil, 0
	}
	var newest *statusRow
	for i := range rows {
		if r := &rows[i]; r.SentAt > 0 && (newest == nil || r.SentAt >= newest.SentAt) {
			newest = r
		}
	}
	switch {
	case newest == nil, newest.ID <= t.LateID, newest.SentAt > t.LateUntil:
		return nil, 0
	case database.Micros(now) < t.LateUntil:
		return nil, database.FromMicros(t.LateUntil).Sub(now)
	}
	return newest, 0
}
