package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrBusy says that others used the database all the time that a scrub waited.
var ErrBusy = errors.New("the database is in use")

// scrubPatience is how long a scrub waits for others' transactions. The work itself takes as long as it takes.
const scrubPatience = time.Minute

// Scrub removes what deleted rows leave behind in the files that this process can reach, and the
// copies that were made before migrations, which hold the rows themselves; it gives their paths. It
// writes the whole SQLite database anew: others' writes wait meanwhile. On PostgreSQL it vacuums;
// what its write-ahead log, its free space and its backups keep is its operator's. ErrBusy when it
// could not be done for others; it may be repeated.
func (d *DB) Scrub(ctx context.Context) (copies []string, err error) {
	if err := d.engine.scrub(ctx, scrubPatience); err != nil {
		return nil, fmt.Errorf("remove what deleted rows left in the database: %w", err)
	}
	copies, err = filepath.Glob(filepath.Join(d.Dir, backupDir, "*"))
	for _, path := range copies {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		return nil, fmt.Errorf("remove the copies of the database: %w", err)
	}
	return copies, nil
}

// Size is how many bytes the database's file has, 0 for PostgreSQL's.
func (d *DB) Size() int64 {
	info, err := os.Stat(filepath.Join(d.Dir, sqliteFile))
	if err != nil || !d.Exclusive() {
		return 0
	}
	return info.Size()
}

// scrub writes the file anew without its free pages, then takes the write-ahead log back to
// nothing. The log can be taken back when nobody reads an older state any more.
func (d *sqliteDB) scrub(ctx context.Context, patience time.Duration) error {
	err := untilFree(ctx, patience, func() error { return d.writing.WithContext(ctx).Exec("VACUUM").Error })
	if err != nil {
		return err
	}
	return untilFree(ctx, patience, func() error {
		var busy, logged, moved int
		if err := d.writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &logged, &moved); err != nil {
			return err
		}
		if busy != 0 {
			return ErrBusy
		}
		return nil
	})
}

// untilFree repeats f while others hold the database. Each try waits for SQLite's own busy_timeout.
func untilFree(ctx context.Context, patience time.Duration, f func() error) error {
	for deadline := time.Now().Add(patience); ; {
		err := f()
		e, ok := errors.AsType[*sqlite.Error](err)
		if busy := ok && e.Code()&0xff == sqlite3.SQLITE_BUSY || errors.Is(err, ErrBusy); !busy {
			return err
		}
		if time.Now().After(deadline) {
			return ErrBusy
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (d *postgresDB) scrub(ctx context.Context, _ time.Duration) error {
	_, err := d.pool.Exec(ctx, "VACUUM builds, deliveries, steps, log_chunks, log_blocks, test_runs, test_failures, "+
		"test_blocks, "+
		"status_targets, statuses, turns, refusals, repositories, tokens, audit, river_job")
	return err
}
