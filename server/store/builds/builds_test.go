package builds

import (
	"testing"
	"time"

	"vivarium/server/store/database"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// everyDatabase runs a test on each database.
func everyDatabase(t *testing.T, test func(t *testing.T, b *Builds)) {
	t.Helper()
	storetest.EveryDatabase(t, func(t *testing.T, dir, url string) { test(t, on(t, dir, url)) })
}

func onSQLite(t *testing.T) *Builds {
	t.Helper()
	return on(t, t.TempDir(), "")
}

func on(t *testing.T, dir, url string) *Builds {
	t.Helper()
	db, err := database.Open(t.Context(), database.Options{DataDir: dir, DatabaseURL: url, Log: storetest.Log(t)})
	storetest.Must(t, err)
	t.Cleanup(func() { storetest.Must(t, db.Close()) })
	return New(db)
}

// deadline is the time that the tests ask about.
var deadline = time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)

// handIn writes a build that was pushed so long before the deadline.
func handIn(t *testing.T, b *Builds, r Row, before time.Duration) int64 {
	t.Helper()
	r.QueuedAt, r.EndedAt, r.Compacted = database.Micros(deadline.Add(-before)), database.Micros(deadline.Add(time.Minute-before)), true
	if r.Trigger == "" {
		r.Trigger = "push"
	}
	if err := b.db.Transact(t.Context(), func(tx *database.Tx) error { return tx.Create(&r).Error }); err != nil {
		t.Fatal(err)
	}
	return r.ID
}
