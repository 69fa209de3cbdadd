// Package database is the one database of the server, embedded SQLite or PostgreSQL: its
// transactions, which GORM and River share, and its schema.
//
// It knows what differs between the two, which process may have a database, and what keeps one from
// its work. What the rows mean is known to the packages beside it alone.
package database

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"vivarium/server/store/database/dirlock"
	"vivarium/server/store/database/trouble"
)

// ErrNotFound says that there is no row of what was asked for.
var ErrNotFound = errors.New("not found")

// Options for Open. Fixed after it.
type Options struct {
	DataDir     string // holds vivarium.db (SQLite), the lock, the copies made before migrations
	DatabaseURL string // postgres://...; empty is SQLite in DataDir
	Log         *slog.Logger
	Schema      Schema
	// Before is the number of the first migration that is left out, for a test of an older schema; empty: none is.
	Before string
}

// Schema is what Open may do to a database's schema.
type Schema int

const (
	// Migrate brings it up to date.
	Migrate Schema = iota
	// Make makes a new database's. An existing one is the server's to migrate, since one of an
	// older version may be at work.
	Make
	// Keep changes nothing.
	Keep
)

// DB is an open database.
type DB struct {
	Dir string // the data folder, as Options has it
	// Now is the process's clock. A test sets another one before others use the database.
	Now func() time.Time

	log    *slog.Logger
	engine engine
	prober trouble.Prober
}

// Open opens the database. One whose schema it may not bring up to date is an OlderError; one newer than
// this binary is refused, with the version needed. It takes no lock: several commands may have it open.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &DB{Now: time.Now, Dir: o.DataDir, log: o.Log}
	var err error
	if o.DatabaseURL == "" {
		d.engine, err = openSQLite(ctx, o.DataDir, o.Log)
	} else {
		d.engine, err = openPostgres(ctx, o.DatabaseURL, o.Log)
	}
	if err != nil {
		return nil, err
	}
	d.prober.Try, d.prober.Noted = d.tryWriting, d.engine
	if err := d.migrate(ctx, stepsBefore(o.Before), o.Schema); err != nil {
		return nil, errors.Join(err, d.engine.close())
	}
	return d, nil
}

// Close closes the database.
func (d *DB) Close() error {
	d.prober.Wait()
	return d.engine.close()
}

// Transact runs fn in one transaction, which GORM and River share. The workers hear of the jobs that it puts in.
func (d *DB) Transact(ctx context.Context, fn func(tx *Tx) error) error {
	return d.engine.transact(ctx, func(tx *Tx) error {
		tx.db = d
		return fn(tx)
	})
}

// Read is for queries outside of a transaction.
func (d *DB) Read(ctx context.Context) *gorm.DB { return d.engine.read(ctx) }

// Exclusive reports whether one server at most has the database. Then whatever
// runs at its boot is dead; else a lease tells.
func (d *DB) Exclusive() bool { return d.engine.exclusive() }

// Clock is the SQL for the database's own time in microseconds, which several servers agree on.
func (d *DB) Clock() string { return d.engine.dialect().clock }

// Lock makes this process the one server of an exclusive database until release is called; a
// dirlock.HeldError when there is one.
func (d *DB) Lock() (release func() error, err error) {
	if !d.Exclusive() {
		return func() error { return nil }, nil
	}
	return dirlock.Take(d.Dir)
}

// Locked reports whether an exclusive database has its server now.
func (d *DB) Locked() (bool, error) {
	if !d.Exclusive() {
		return false, nil
	}
	return dirlock.IsHeld(d.Dir)
}

// Client makes a River client that works on the jobs.
func (d *DB) Client(c *river.Config) (Client, error) {
	c.Logger = riverLog(d.log)
	d.engine.fetch(c)
	client, err := d.engine.client(c)
	return translatingClient{client, d.engine.translate}, err
}

// Announce tells this process's workers of jobs in these queues that no commit of its own has told them of.
func (d *DB) Announce(ctx context.Context, queues ...string) error {
	return d.engine.announce(ctx, queues)
}
