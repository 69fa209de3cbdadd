// Package retention is what leaves the database, and when: all of one repository when it is purged, and
// the names of authors after their time.
package retention

import (
	"log/slog"

	"vivarium/server/store/database"
	"vivarium/server/store/queue"
)

// Retention removes what is no longer to be kept.
type Retention struct {
	db    *database.DB
	log   *slog.Logger
	queue *queue.Queue
}

// New removes it from db. The queue, which is of the same database, ends builds that run.
func New(db *database.DB, log *slog.Logger, q *queue.Queue) *Retention {
	return &Retention{db: db, log: log, queue: q}
}
