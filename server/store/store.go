// Package store puts the rooms of what is kept on one database, embedded SQLite or PostgreSQL, and
// runs the server's work on it.
//
// In every room an exported method is one whole transaction. Moves of a build's state are
// conditional updates; every write of an attempt is fenced by the attempt's number, so that a
// process that was thought dead cannot write into the attempt that replaced it.
package store

import (
	"context"
	"errors"
	"log/slog"

	"vivarium/pipeline"
	"vivarium/server/notify"
	"vivarium/server/store/buildlog"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/entries"
	"vivarium/server/store/environments"
	"vivarium/server/store/notices"
	"vivarium/server/store/outbox"
	"vivarium/server/store/people"
	"vivarium/server/store/polls"
	"vivarium/server/store/pulls"
	"vivarium/server/store/queue"
	"vivarium/server/store/retention"
	"vivarium/server/store/testhistory"
	"vivarium/server/store/testruns"
	"vivarium/server/store/watched"
	"vivarium/server/verdict"
)

// Options for Open. Fixed after it.
type Options struct {
	DataDir     string // holds vivarium.db (SQLite), the lock, the copies made before migrations
	DatabaseURL string // postgres://...; empty is SQLite in DataDir
	Log         *slog.Logger
	Schema      database.Schema
	Before      string // as in database.Options
	// DefaultBranchFirst lets a repository's builds of its default branch go before its others.
	DefaultBranchFirst bool
	// QueueLimit is how many builds may wait in all; 0 is any number. A repository of which none
	// waits may always queue one.
	QueueLimit int
	// Supersede is what a newer push of a branch, but the default branch, ends; empty: nothing.
	Supersede verdict.Supersede
	// Checks reports builds of repositories that a GitHub App sees by check runs.
	Checks bool
	// Notify are those who are told when a branch turns red, or green again.
	Notify []notify.Target
}

// Store is the database.
type Store struct {
	Database  *database.DB
	Builds    *builds.Builds
	People    *people.People
	Entries   *entries.Entries
	Outbox    *outbox.Outbox
	Queue     *queue.Queue
	Pulls     *pulls.Pulls
	Logs      *buildlog.Logs
	Tests     *testruns.Runs
	Retention *retention.Retention
	// Watched is where branches were when the git host was last asked.
	Watched *watched.Watched
	Polls   *polls.Polls
	// Notices are what people are told of branches that turned.
	Notices *notices.Notices
	// Environments is what builds ran with.
	Environments *environments.Environments
	// TestHistories says since which builds tests fail.
	TestHistories *testhistory.Histories

	log *slog.Logger
	db  *database.DB // the same
}

// Open opens the database, as database.Open does.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	db, err := database.Open(ctx, database.Options{
		DataDir: o.DataDir, DatabaseURL: o.DatabaseURL, Log: o.Log, Schema: o.Schema, Before: o.Before,
	})
	if err != nil {
		return nil, err
	}
	s := &Store{
		Database: db, Builds: builds.New(db), People: people.New(db, o.Log), Entries: entries.New(db),
		Logs: buildlog.New(db, o.Log), Tests: testruns.New(db), Environments: environments.New(db),
		TestHistories: testhistory.New(db), Watched: watched.New(db),
		Outbox: outbox.New(db), db: db, log: o.Log,
	}
	s.Notices = notices.New(db, o.Log, o.Notify)
	s.Queue = queue.New(db, queue.Options{
		Log:                o.Log,
		DefaultBranchFirst: o.DefaultBranchFirst,
		Limit:              o.QueueLimit,
		Supersede:          o.Supersede,
		AddStatus:          outbox.Adder{Checks: o.checked}.Add,
		Keep:               s.keep,
		ToldLate:           polls.ToldLate,
		Adopt:              s.adopt,
		Logs:               s.Logs,
	})
	if o.Checks {
		s.Logs.OnStep = outbox.Progress
	}
	s.Polls = polls.New(db, s.Queue, o.Log)
	s.Pulls = pulls.New(db, s.Queue, o.Log)
	s.Retention = retention.New(db, o.Log, s.Queue)
	return s, nil
}

// checked reports whether a repository's builds are told by check runs.
func (o Options) checked(tx *database.Tx, repo string) (bool, error) {
	if !o.Checks {
		return false, nil
	}
	return entries.HasApp(tx, repo)
}

// keep writes what else is kept of a build's end.
func (s *Store) keep(tx *database.Tx, b builds.Row, o pipeline.Outcome) error {
	return errors.Join(environments.Keep(tx, b, o), s.Notices.Keep(tx, b, o))
}

// adopt makes a pull request's build that of a push. One that has ended already says now what its
// branch has come to.
func (s *Store) adopt(tx *database.Tx, p queue.Push) (*builds.Row, error) {
	b, err := pulls.Adopt(tx, p)
	if err == nil && b != nil && b.State.Ended() {
		err = s.Notices.Keep(tx, *b, pipeline.Outcome{})
	}
	return b, err
}

// Close closes the database. Serve must have returned.
func (s *Store) Close() error {
	s.Logs.Close()
	return s.db.Close()
}
