// Package databasetest gives tests a database of each kind.
package databasetest

import (
	"testing"

	"vivarium/server/store/database"
	"vivarium/server/store/storetest"
)

// Every runs a test on each kind of database. open opens the same one each time.
func Every(t *testing.T, test func(t *testing.T, open func() *database.DB)) {
	t.Helper()
	storetest.EveryDatabase(t, func(t *testing.T, dir, url string) {
		test(t, func() *database.DB { return Open(t, database.Options{DataDir: dir, DatabaseURL: url}) })
	})
}

// SQLite is a database of its own for a test that needs no other.
func SQLite(t testing.TB) *database.DB {
	t.Helper()
	return Open(t, database.Options{DataDir: t.TempDir()})
}

// Open opens a database until the end of the test.
func Open(t testing.TB, o database.Options) *database.DB {
	t.Helper()
	o.Log = storetest.Log(t)
	db, err := database.Open(t.Context(), o)
	storetest.Must(t, err)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}
