// Package outbox keeps what git hosts are to be told of builds, commit statuses and check runs, and
// sends it: of each commit the newest status, of each build the newest state of its run, one post at a
// time.
//
// What it decides is pure: next and again say which status to send, Judge what the host's answer
// means for it, Gate and Pace when the host may be asked.
package outbox

import (
	"vivarium/server/store/database"
)

// Outbox is what a database holds of statuses and check runs.
type Outbox struct {
	db *database.DB
}

// New makes the outbox of a database.
func New(db *database.DB) *Outbox { return &Outbox{db: db} }
