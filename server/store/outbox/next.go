package outbox

import (
	"time"

	"vivarium/server/store/database"
)

// behindAfter is how long a status may wait before the outbox counts as behind.
const behindAfter = 5 * time.Second

// next decides what to do about the statuses of one commit under one context, in the order in which
// they were added: what to send now, if anything, and what will never be sent. The newest state is
// that of the build with the highest id, and its end is newer than its beginning. A pending is left
// out only where its end is known and the outbox is behind, or what may be sent is tight. A check run
// tells of its build as it is when it is sent, and so needs only the newest.
func next(rows []statusRow, now time.Time, tight bool) (send *statusRow, superseded []int64) {
	var newest int64
	for _, r := range rows {
		newest = max(newest, r.BuildID)
	}
	for i := range rows {
		r := &rows[i]
		if !r.open() {
			continue
		}
		later := rows[i+1:]
		switch {
		case r.BuildID < newest,
			settled(later, r.BuildID),
			(r.Kind == kindCheck || tight || isBehind(*r, now)) && known(later, r.BuildID):
			superseded = append(superseded, r.ID)
		case send == nil:
			send = r
		}
	}
	return send, superseded
}

// settled reports whether a later state of the build has been sent or given up.
func settled(later []statusRow, build int64) bool {
	for _, r := range later {
		if r.BuildID == build && !r.open() {
			return true
		}
	}
	return false
}

// known reports whether there is a later state of the build.
func known(later []statusRow, build int64) bool {
	for _, r := range later {
		if r.BuildID == build {
			return true
		}
	}
	return false
}

// isBehind reports whether the outbox is behind with r.
func isBehind(r statusRow, now time.Time) bool {
	return r.LastError != "" || now.Sub(database.FromMicros(r.QueuedAt)) > behindAfter
}
