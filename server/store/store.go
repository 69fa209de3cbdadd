// Package store keeps builds, their logs, and the queue: GORM and River on one database,
// embedded SQLite or PostgreSQL.
//
// Every exported method is one whole transaction. Moves of a build's state are conditional
// updates; every write of an attempt is fenced by the attempt's number, so that a process
// that was thought dead cannot write into the attempt that replaced it.
package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"vivarium/server/store/database/trouble"
	"vivarium/server/store/intake"
)

// ErrNotFound says that there is no such build.
var ErrNotFound = errors.New("not found")

// ErrEnded says that a build cannot be canceled because it has ended.
var ErrEnded = errors.New("the build has ended")

// Options for Open. Fixed after it.
type Options struct {
	DataDir     string // holds vivarium.db (SQLite), the lock, the copies made before migrations
	DatabaseURL string // postgres://...; empty is SQLite in DataDir
	Log         *slog.Logger
	Schema      Schema
	// DefaultBranchFirst lets a repository's builds of its default branch go before its others.
	DefaultBranchFirst bool
	// QueueLimit is how many builds may wait in all; 0 is any number. A repository of which none waits may always queue one.
	QueueLimit int
}

// Schema is what Open may do to a database's schema.
type Schema int

const (
	// Migrate brings it up to date.
	Migrate Schema = iota
	// Make makes a new database's. An existing one is the server's to migrate, since one of an older version may be at work.
	Make
	// Keep changes nothing.
	Keep
)

// Store is the database.
type Store struct {
	dir string
	log *slog.Logger
	db  database
	now func() time.Time

	defaultBranchFirst bool
	queueLimit         int

	repoWorkers int  // as Serve was told
	told        Work // the same, whole
	// heldBack says that a claim here has left builds alone for the sake of one that is tried alone.
	heldBack atomic.Bool
	// engineAway says that this server's engine does not answer.
	engineAway atomic.Bool

	intake intake.Intake[Push, Accepted]
	watch  watchers
	prober trouble.Prober

	// finished tells the compactor of a build that ended.
	finished chan struct{}

	// attempts are those that this process works on.
	attempts attempts
}

// Open opens the database. One whose schema it may not bring up to date is an OlderError; one newer than
// this binary is refused, with the version needed. It takes no lock: several commands may have it open.
func Open(ctx context.Context, o Options) (*Store, error) {
	return open(ctx, o, migrations)
}

func open(ctx context.Context, o Options, steps []migration) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		dir: o.DataDir, log: o.Log, now: time.Now, defaultBranchFirst: o.DefaultBranchFirst, queueLimit: o.QueueLimit,
		finished: make(chan struct{}, 1),
	}
	var err error
	if o.DatabaseURL == "" {
		s.db, err = openSQLite(ctx, o.DataDir, o.Log)
	} else {
		s.db, err = openPostgres(ctx, o.DatabaseURL, o.Log)
	}
	if err != nil {
		return nil, err
	}
	s.prober.Try, s.prober.Noted = s.tryWriting, s.db
	if err := s.migrate(ctx, steps, o.Schema); err != nil {
		return nil, errors.Join(err, s.db.close())
	}
	s.watch.init(s)
	return s, nil
}

// Close closes the database. Serve must have returned.
func (s *Store) Close() error {
	s.watch.close()
	s.prober.Wait()
	return s.db.close()
}

// micros is how times are kept: microseconds since 1970, the same on both databases, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// one turns the result of a conditional update into an error: miss when no row met the condition.
func one(r *gorm.DB, miss error) error {
	if r.Error != nil {
		return r.Error
	}
	if r.RowsAffected == 0 {
		return miss
	}
	return nil
}

// locked runs f under mu.
func locked(mu *sync.Mutex, f func()) {
	mu.Lock()
	defer mu.Unlock()
	f()
}
