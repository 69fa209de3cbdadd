// Package store keeps builds, their logs, and the queue: GORM and River on one database,
// embedded SQLite or PostgreSQL.
package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"vivarium/pipeline"
)

// STUB: contract only; the owner of this package replaces the bodies and splits the file.

var ErrNotFound = errors.New("not found")

// Options for Open. Fixed after it.
type Options struct {
	DataDir     string // holds vivarium.db (SQLite), the lock, the copies made before migrations
	DatabaseURL string // postgres://...; empty is SQLite in DataDir
	Log         *slog.Logger
}

// Store is the database.
type Store struct{}

// LockedError says which process serves this data directory already.
type LockedError struct{ PID int }

func (e *LockedError) Error() string { panic("contract") }

// Open opens the database and brings its schema up to date. A database newer than
// this binary is refused, with the version needed. It takes no lock: several commands may have it open.
func Open(ctx context.Context, o Options) (*Store, error) { panic("contract") }
func (s *Store) Close() error                             { panic("contract") }

// Ping reports whether the database answers (for /readyz).
func (s *Store) Ping(ctx context.Context) error { panic("contract") }

// Push is what a webhook delivery asks for.
type Push struct {
	GUID     string // X-GitHub-Delivery
	BodyHash string // hex SHA-256 of the raw body
	Repo     pipeline.Repository
	Ref      string
	SHA      string
	Author   string
	Message  string
}

// Accepted is what became of a Push.
type Accepted struct {
	BuildID   int64
	Duplicate bool // the GUID or the body had been seen: BuildID is that delivery's build
}

// AcceptPush writes delivery, build, job and pending status in one transaction.
func (s *Store) AcceptPush(ctx context.Context, p Push) (Accepted, error) { panic("contract") }

// Build gives one build with its steps, or ErrNotFound.
func (s *Store) Build(ctx context.Context, id int64) (pipeline.Build, error) { panic("contract") }

// Query selects builds, newest first. Zero fields do not restrict.
type Query struct {
	Before int64  // only ids below it
	Limit  int    // at most 1000; 0 is 100
	Repo   string // OWNER/NAME
	SHA    string
	State  pipeline.State
	Public bool // leave out private repositories
}

// Builds lists builds without their steps.
func (s *Store) Builds(ctx context.Context, q Query) ([]pipeline.Build, error) { panic("contract") }

// Chunk is one committed piece of a build's log.
type Chunk struct {
	Seq     int64 // 1, 2, 3 ... within the build, without holes
	Attempt int
	Step    pipeline.StepName
	Stream  pipeline.Stream
	Time    time.Time
	Data    []byte
	Omitted int64 // bytes left out here: this chunk is the gap and has no Data
}

// Chunks gives committed chunks after a sequence number, in order, at most maxBytes of data (at least one chunk).
func (s *Store) Chunks(ctx context.Context, build, after int64, maxBytes int) ([]Chunk, error) {
	panic("contract")
}

// Watch wakes the receiver after something of the build was committed: chunks, a step, its end.
// A wake may stand for several changes. stop releases it.
func (s *Store) Watch(build int64) (wake <-chan struct{}, stop func()) { panic("contract") }

// Omitting is how many bytes the running attempt has left out of the log so far.
func (s *Store) Omitting(build int64) int64 { panic("contract") }

// StepLog is one step's log in the newest attempt, its first max bytes, and whether that cut it.
func (s *Store) StepLog(ctx context.Context, build int64, step pipeline.StepName, max int) (string, bool, error) {
	panic("contract")
}

// Rerun queues a new build of the same commit, with job and pending status.
func (s *Store) Rerun(ctx context.Context, id int64) (int64, error) { panic("contract") }

// Cancel ends a queued build, and asks the worker of a running one to end it. An ended build is an error.
func (s *Store) Cancel(ctx context.Context, id int64) error { panic("contract") }

// Status is one row of the outbox.
type Status struct {
	BuildID     int64
	State       string // GitHub's word
	Description string
	Context     string
	SentAt      time.Time // zero while it has not been accepted
	Attempts    int
	LastError   string
	Undelivered bool // given up
}

// Statuses of a build, oldest first.
func (s *Store) Statuses(ctx context.Context, build int64) ([]Status, error) { panic("contract") }

// Undeliverable is the newest status that was given up in the last day, or nil.
func (s *Store) Undeliverable(ctx context.Context) (*Status, error) { panic("contract") }

// Poster sends commit statuses. Errors are *pipeline.UndeliverableError, *pipeline.RetryError, or
// others, which are retried.
type Poster interface {
	Post(ctx context.Context, st pipeline.CommitStatus) error
	// Read gives the newest status of this context on the commit; State "" when there is none.
	Read(ctx context.Context, repo, sha, statusContext string) (pipeline.CommitStatus, error)
}

// Work is what Serve needs.
type Work struct {
	Workers int
	// Build runs one attempt. An error abandons it: the build is queued again.
	Build func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error)
	// Poster sends statuses; nil: none are sent, the rows stay unsent and are not retried.
	Poster        Poster
	StatusContext string
	TargetURL     func(build int64) string // empty string: none
	LogLimit      int64                    // bytes stored per attempt; 0 is 64 MiB
	Secrets       []string                 // masked in logs
}

// Serve takes the lock (SQLite), requeues what a dead server left, and works until ctx ends.
// On the way out running attempts are abandoned and queued again. ready is called once when it works.
func (s *Store) Serve(ctx context.Context, w Work, ready func()) error { panic("contract") }
