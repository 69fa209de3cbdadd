package builds

import (
	"testing"
	"time"

	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// everyDatabase runs a test on each database.
func everyDatabase(t *testing.T, test func(t *testing.T, b *Builds)) {
	t.Helper()
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) { test(t, New(open())) })
}

func onSQLite(t *testing.T) *Builds { return New(databasetest.SQLite(t)) }

// deadline is the time that the tests ask about.
var deadline = time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)

// handIn writes a build that was pushed so long before the deadline.
func handIn(t *testing.T, b *Builds, r Row, before time.Duration) int64 {
	t.Helper()
	r.QueuedAt, r.EndedAt = database.Micros(deadline.Add(-before)), database.Micros(deadline.Add(time.Minute-before))
	r.Compacted = true
	if r.Trigger == "" {
		r.Trigger = "push"
	}
	if err := b.db.Transact(t.Context(), func(tx *database.Tx) error { return tx.Create(&r).Error }); err != nil {
		t.Fatal(err)
	}
	return r.ID
}
