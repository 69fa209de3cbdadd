// Package pulls is the builds of pull requests: a push and a pull request of one commit are one build,
// and the code of a fork waits until somebody approves it.
//
// A fork's build that nobody has approved is in a state of its own (pipeline.Unapproved), which no
// claim takes, and has no place in the queue. Its approval stands in its row, and so is of its commit
// alone.
package pulls

import (
	"fmt"
	"log/slog"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/database"
	"vivarium/server/store/queue"
)

// Pulls are those of a database.
type Pulls struct {
	db   *database.DB
	desk queue.Desk
	log  *slog.Logger
}

// New are those of db, whose queue is q.
func New(db *database.DB, q *queue.Queue, log *slog.Logger) *Pulls {
	return &Pulls{db: db, desk: q.Desk(), log: log}
}

// Ref is the ref of a pull request's head. It is in the base repository, also where the commit came
// from a fork, and stays when that is deleted.
func Ref(number int64) pipeline.Ref { return pipeline.Ref(fmt.Sprintf("refs/pull/%d/head", number)) }

// unapproved are a pull request's builds that wait for an approval, by the words of their index.
func unapproved(db *gorm.DB, key string, number int64) *gorm.DB {
	return db.Where("lower(repo) = ? AND state = 'unapproved' AND ref = ?", key, Ref(number)).Order("id")
}
