// Package buildlog is the logs of builds: what an attempt prints is recorded while it runs, read
// from any place on, and compressed once the build has ended.
//
// A log is a row of chunks, numbered 1, 2, 3 ... within the build. Each is masked and committed
// before anybody sees it, so that who follows a log reads what is stored and nothing else.
package buildlog

import (
	"database/sql"
	"log/slog"
	"sync"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// Logs are the logs of a database's builds.
type Logs struct {
	db  *database.DB
	log *slog.Logger

	// OnStep is told of each step that begins, in the transaction that keeps it; nil: nobody is. It is set
	// before anything is recorded.
	OnStep func(tx *database.Tx, build int64, step pipeline.StepName) error

	watchers   watchers
	recordings recordings

	// ended tells Compact of a build that ended.
	ended chan struct{}
}

// New is the logs in db. Close must be called.
func New(db *database.DB, log *slog.Logger) *Logs {
	l := &Logs{db: db, log: log, ended: make(chan struct{}, 1)}
	l.watchers.l = l
	return l
}

// Close ends what goes on for the sake of those who still watch. All recorders must be closed.
func (l *Logs) Close() { l.watchers.close() }

// AddLine adds a line of the server's own to the log of an attempt that runs, as part of tx.
func (l *Logs) AddLine(tx *database.Tx, b builds.Row, step pipeline.StepName, text string) error {
	chunks := []Chunk{{
		Attempt: b.Attempt,
		Step:    step,
		Stream:  pipeline.System,
		Time:    tx.Now(),
		Data:    []byte(text),
	}}
	if _, err := place(tx, b.ID, b.Attempt, chunks); err != nil {
		return err
	}
	row := newChunkRow(b.ID, chunks[0])
	return tx.Create(&row).Error
}

// Stored is how many bytes the log of a build takes, with the results of its tests, as they are
// stored: compressed in part or whole.
func Stored(tx *database.Tx, build int64) (n int64, err error) {
	err = tx.Raw(`SELECT coalesce(sum(length(data)), 0) FROM (
			SELECT data FROM log_chunks WHERE build_id = @build
			UNION ALL
			SELECT data FROM log_blocks WHERE build_id = @build
			UNION ALL
			SELECT data FROM test_blocks WHERE build_id = @build
			UNION ALL
			SELECT details FROM test_failures WHERE build_id = @build
		) AS pieces`, sql.Named("build", build)).Scan(&n).Error
	return n, err
}

// Ended tells that a build has ended: its log grows no more, and can be compressed.
func (l *Logs) Ended() { signal(l.ended) }

// locked runs f under mu.
func locked(mu *sync.Mutex, f func()) {
	mu.Lock()
	defer mu.Unlock()
	f()
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
