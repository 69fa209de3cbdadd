package database

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivermigrate"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"vivarium/server/store/database/trouble"
)

// engine is what differs between SQLite and PostgreSQL.
type engine interface {
	// transact is DB.Transact.
	transact(ctx context.Context, fn func(tx *Tx) error) error
	// read is DB.Read.
	read(ctx context.Context) *gorm.DB
	// alone is Tx.Alone.
	alone(tx *Tx, key int64) error
	// exclusive is DB.Exclusive.
	exclusive() bool
	// dialect is how statements read here.
	dialect() dialect
	// migrateQueue brings River's own tables to a version.
	migrateQueue(ctx context.Context, version int) error
	// copyBefore keeps a copy of an existing database that is about to be migrated from a step.
	copyBefore(ctx context.Context, step string) error
	// only keeps other processes from migrating until release is called.
	only(ctx context.Context) (release func() error, err error)
	// client makes a River client that works.
	client(c *river.Config) (Client, error)
	// fetch sets how soon River sees a new job.
	fetch(c *river.Config)
	// announce is DB.Announce.
	announce(ctx context.Context, queues []string) error
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

// migrateRiver brings River's own tables to a version. It is not part of a transaction: on
// PostgreSQL a value that is added to an enumerated type cannot be used in the same one. Done
// twice, it does nothing the second time.
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
