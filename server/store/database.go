package store

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivermigrate"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"vivarium/server/store/database/trouble"
)

// database is what differs between SQLite and PostgreSQL.
type database interface {
	// transact runs fn in one transaction, which GORM and River share.
	transact(ctx context.Context, fn func(tx *tx) error) error
	// read is for queries outside of a transaction.
	read(ctx context.Context) *gorm.DB
	// migrateQueue brings River's own tables to a version.
	migrateQueue(ctx context.Context, version int) error
	// dialect is how a migration's statements read here.
	dialect() dialect
	// copyBefore keeps a copy of an existing database that is about to be migrated from a step.
	copyBefore(ctx context.Context, step string) error
	// only keeps other processes from migrating until release is called.
	only(ctx context.Context) (release func() error, err error)
	// client makes a River client that works.
	client(c *river.Config) (queueClient, error)
	// exclusive reports whether one server at most has the database. Then whatever
	// runs at its boot is dead; else a lease tells.
	exclusive() bool
	// clock is the SQL for the database's own time in microseconds, which several servers agree on.
	clock() string
	// oneClaim keeps others from claiming until the transaction ends. What they did before is seen after it.
	oneClaim(tx *tx) error
	// fetch sets how soon River sees a new job.
	fetch(c *river.Config)
	// announce tells this process's workers of jobs that no commit of its own has told them of.
	announce(ctx context.Context) error
	// scrub removes what deleted rows leave behind. It waits so long for others, then it is ErrBusy.
	scrub(ctx context.Context, patience time.Duration) error
	// translate words trouble of the database as a trouble.Error; other errors are as they were.
	translate(err error) error
	// Trouble is what the transactions since the last Clear met, or what was kept; nil: none.
	Trouble() *trouble.Trouble
	Keep(err error, now time.Time)
	Clear()
	close() error
}

// fetchCooldown is the least time between two looks for jobs: how long one may wait that comes right after another.
const fetchCooldown = 20 * time.Millisecond

// queueClient is the part of river.Client that does not depend on the driver.
type queueClient interface {
	Start(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
	Stopped() <-chan struct{}
}

// tx is one transaction: GORM's view of it, and River's.
type tx struct {
	*gorm.DB
	river riverTx
}

// riverTx is what River does in the same transaction.
type riverTx interface {
	// insert puts jobs into the queue.
	insert(ctx context.Context, jobs ...river.InsertManyParams) error
	// complete ends the build job that ctx belongs to.
	complete(ctx context.Context, job *river.Job[buildArgs]) error
	// abandon ends jobs whose worker is dead. Those that do not run are left alone.
	abandon(ctx context.Context, ids []int64) error
}

// jobsIn is riverTx over one driver.
type jobsIn[D riverdriver.Driver[T], T any] struct {
	client *river.Client[T] // inserts only
	tx     T
	now    func() time.Time
	queues *[]string // gets those that jobs are put into
}

func (j jobsIn[D, T]) insert(ctx context.Context, jobs ...river.InsertManyParams) error {
	if len(jobs) == 0 {
		return nil
	}
	for _, job := range jobs {
		if !slices.Contains(*j.queues, job.InsertOpts.Queue) {
			*j.queues = append(*j.queues, job.InsertOpts.Queue)
		}
	}
	_, err := j.client.InsertManyFastTx(ctx, j.tx, jobs)
	return err
}

func (j jobsIn[D, T]) complete(ctx context.Context, job *river.Job[buildArgs]) error {
	_, err := river.JobCompleteTx[D](ctx, j.tx, job)
	return err
}

func (j jobsIn[D, T]) abandon(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	p := riverdriver.JobSetStateIfRunningManyParams{
		ID:              ids,
		Attempt:         make([]*int, len(ids)),
		ErrData:         make([][]byte, len(ids)),
		MetadataDoMerge: make([]bool, len(ids)),
		MetadataUpdates: make([][]byte, len(ids)),
		ScheduledAt:     nil,
	}
	now := j.now()
	for _, id := range ids {
		s := riverdriver.JobSetStateCancelled(id, now, nil, nil)
		p.FinalizedAt = append(p.FinalizedAt, s.FinalizedAt)
		p.ScheduledAt = append(p.ScheduledAt, nil)
		p.State = append(p.State, s.State)
	}
	_, err := j.client.Driver().UnwrapExecutor(j.tx).JobSetStateIfRunningMany(ctx, &p)
	return err
}

// migrateRiver brings River's own tables to a version. It is not part of a transaction: on PostgreSQL a value that is added to
// an enumerated type cannot be used in the same one. Done twice, it does nothing the second time.
func migrateRiver[T any](ctx context.Context, driver riverdriver.Driver[T], version int, log *slog.Logger) error {
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: riverLog(log)})
	if err != nil {
		return err
	}
	existing, err := m.ExistingVersions(ctx)
	if err != nil {
		return err
	}
	if len(existing) > 0 && existing[len(existing)-1].Version >= version {
		return nil
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{TargetVersion: version})
	return err
}

// gormConfig is the same for every connection. No default transaction: a method says itself
// where one begins, and on PostgreSQL GORM must not begin one inside ours.
func gormConfig() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,           // by the dialector below
		Logger:                 logger.Discard, // errors are returned
	}
}

// translating has GORM pass on trouble as our own errors, and all others as they are.
type translating struct {
	gorm.Dialector
	gorm.SavePointerDialectorInterface
	translate func(error) error
}

// Translate is asked by GORM about each error.
func (t translating) Translate(err error) error { return t.translate(err) }

// isDuplicate reports whether err is the violation of a unique key.
func isDuplicate(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505" // unique_violation
	}
	return false
}

// isDeadlock reports whether PostgreSQL has ended the transaction since it and another waited for each other. SQLite has one
// writer at a time.
func isDeadlock(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "40P01" // deadlock_detected
}

// tryAgain calls fn until it has no error that passes, but no more than so many times.
func tryAgain(times int, passing func(error) bool, fn func() error) error {
	for try := 1; ; try++ {
		if err := fn(); !passing(err) || try == times {
			return err
		}
	}
}
