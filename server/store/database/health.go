package database

import (
	"context"
	"fmt"

	"vivarium/server/store/database/trouble"
)

// leastSpace is how many free bytes the data folder is to have: a build's log takes up to
// VIVARIUM_LOG_LIMIT, most take little.
const leastSpace = 32 << 20

// Health is how the database and its disk are, for /readyz.
type Health struct{ db *DB }

// Health is that of this database.
func (d *DB) Health() Health { return Health{d} }

// Ping reports whether the database answers.
func (h Health) Ping(ctx context.Context) error {
	if err := h.db.Read(ctx).Exec("SELECT 1").Error; err != nil {
		return fmt.Errorf("ask the database: %w", err)
	}
	return nil
}

// Writing says why the database cannot be written to, and since when; nil when it can.
func (h Health) Writing(ctx context.Context) *trouble.Trouble { return h.db.prober.Ask(ctx) }

// DiskSpace says that the disk of the data folder is nearly full; nil when it is not, or that cannot be seen.
func (h Health) DiskSpace() error {
	if left := trouble.Space(h.db.Dir); left < leastSpace {
		// Without the figure, which would make each look a new reason for the log, on mostly the same disk.
		return fmt.Errorf("the disk of %s has less than %d MiB left: make room", h.db.Dir, leastSpace>>20)
	}
	return nil
}

// tryWriting writes a row that nobody reads.
func (d *DB) tryWriting(ctx context.Context) error {
	return d.Transact(ctx, func(tx *Tx) error {
		return tx.Exec(
			"INSERT INTO pulse (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at", Micros(d.Now()),
		).Error
	})
}
