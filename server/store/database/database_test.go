package database

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("VIVARIUM_TEST_LOCK_DIR"); dir != "" {
		lockUntilTold(dir)
		return
	}
	storetest.Main(m)
}

var must = storetest.Must

// everyDatabase runs a test on each database. open opens the same one each time.
func everyDatabase(t *testing.T, test func(t *testing.T, open func() *DB)) {
	t.Helper()
	storetest.EveryDatabase(t, func(t *testing.T, dir, url string) {
		test(t, func() *DB { return openDB(t, Options{DataDir: dir, DatabaseURL: url, Log: storetest.Log(t)}) })
	})
}

func openDB(t *testing.T, o Options) *DB {
	t.Helper()
	d, err := Open(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// TestIdleQueueIsNotPolled: a poll each 20 ms cost 5 % of a core.
func TestIdleQueueIsNotPolled(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *DB) {
		var c river.Config
		open().engine.fetch(&c)
		if c.FetchPollInterval < time.Second || c.PollOnly {
			t.Errorf("River looks for jobs each %s, poll only %t; want to be told of them", c.FetchPollInterval, c.PollOnly)
		}
	})
}

func TestScrubSaysWhenOthersHoldTheDatabase(t *testing.T) {
	o := Options{DataDir: t.TempDir(), Log: storetest.Log(t)}
	reader, d := openDB(t, o), openDB(t, o)
	must(t, d.tryWriting(t.Context()))
	reading := reader.Read(t.Context()).Begin()
	must(t, reading.Exec("SELECT count(*) FROM pulse").Error)
	must(t, d.tryWriting(t.Context())) // the reader's state is an older one now
	// The busy_timeout of a real server would make each try last for 10 s.
	must(t, d.Transact(t.Context(), func(tx *Tx) error { return tx.Exec("PRAGMA busy_timeout(1)").Error }))
	if err := d.engine.scrub(t.Context(), time.Millisecond); !errors.Is(err, ErrBusy) {
		t.Errorf("with a reader: %v, want ErrBusy", err)
	}
	must(t, reading.Rollback().Error)
	if _, err := d.Scrub(t.Context()); err != nil {
		t.Errorf("with nobody there: %v", err)
	}
}
