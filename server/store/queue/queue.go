// Package queue is the builds that wait and run: what a push, a rerun or a cancel changes, which
// build is next, who works on it, and what becomes of it when its attempt ends.
//
// An attempt ends in one of three ways. With an outcome, the build has ended. By trouble outside,
// or with its server, it is queued again in its place; package patience says how often. Every write
// of an attempt is fenced by its number, so that one that another server has replaced writes
// nothing.
package queue

import (
	"log/slog"
	"sync/atomic"

	"github.com/riverqueue/river"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/queue/attempts"
	"vivarium/server/store/queue/intake"
	"vivarium/server/store/queue/overtake"
	"vivarium/server/verdict"
)

// Options for New. Fixed after it.
type Options struct {
	Log *slog.Logger
	// DefaultBranchFirst lets a repository's builds of its default branch go before its others.
	DefaultBranchFirst bool
	// Limit is how many builds may wait in all; 0 is any number. A repository of which none waits
	// may always queue one.
	Limit int
	// Supersede is what a newer push of a branch, but the default branch, ends.
	Supersede verdict.Supersede
	// AddStatus puts a build's state as it is now into the outbox. The job that it returns is
	// inserted in the same transaction.
	AddStatus func(*database.Tx, builds.Row) (river.InsertManyParams, error)
	// Keep writes what else is kept of an outcome, in the transaction that ends the build; nil: nothing.
	Keep func(*database.Tx, builds.Row, pipeline.Outcome) error
	// ToldLate finds the build of a push that was built before its delivery came, and notes that; 0: none.
	ToldLate func(*database.Tx, Push) (build int64, err error)
	// Adopt gives the build that a push shares with a pull request, as its own; nil: there is none.
	Adopt func(*database.Tx, Push) (*builds.Row, error)
	Logs  Logs
}

// Logs are the logs of builds, as far as the queue needs them.
type Logs interface {
	// AddLine adds a line of the server's own to the log of an attempt that runs.
	AddLine(tx *database.Tx, b builds.Row, step pipeline.StepName, text string) error
	// Wake tells those who follow a build that something of it was committed.
	Wake(build int64)
	// Ended tells that a build has ended: its log grows no more.
	Ended()
}

// Queue is the builds of a database that wait and run.
type Queue struct {
	db                 *database.DB
	log                *slog.Logger
	logs               Logs
	addStatus          func(*database.Tx, builds.Row) (river.InsertManyParams, error)
	keep               func(*database.Tx, builds.Row, pipeline.Outcome) error
	toldLate           func(*database.Tx, Push) (int64, error)
	adopt              func(*database.Tx, Push) (*builds.Row, error)
	defaultBranchFirst bool
	limit              int // of builds that wait in all
	overtaker          overtake.Overtaker

	// look tells the prober that there may be something to look at.
	look chan struct{}

	work  Work   // as Run was told
	owner string // this server, in the rows that it works on

	// heldBack says that a claim here has left builds alone for the sake of one that is tried
	// alone.
	heldBack atomic.Bool
	// engineAway says that this server's engine does not answer.
	engineAway atomic.Bool

	intake intake.Intake[Push, Accepted]

	// attempts are those that this process works on.
	attempts attempts.Attempts
}

// New is the queue of db.
func New(db *database.DB, o Options) *Queue {
	q := &Queue{
		db:                 db,
		log:                o.Log,
		logs:               o.Logs,
		addStatus:          o.AddStatus,
		keep:               o.Keep,
		toldLate:           o.ToldLate,
		adopt:              o.Adopt,
		defaultBranchFirst: o.DefaultBranchFirst,
		limit:              o.Limit,
		look:               make(chan struct{}, 1),
	}
	q.overtaker = overtake.Overtaker{How: o.Supersede, End: q.endQueued}
	return q
}
