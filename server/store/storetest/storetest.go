package storetest

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"
)

// cluster is the PostgreSQL server of this test run. It is started by the first test that needs it.
var cluster struct {
	sync.Once
	*Postgres
	err error
}

// Main runs a package's tests and ends their PostgreSQL server. It is the whole of a TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if cluster.Postgres != nil {
		cluster.Close()
	}
	os.Exit(code)
}

// PostgresURL gives a test a PostgreSQL database of its own.
func PostgresURL(t testing.TB) string {
	t.Helper()
	cluster.Do(func() { cluster.Postgres, cluster.err = Start(time.Minute) })
	if errors.Is(cluster.err, ErrAbsent) && os.Getenv("VIVARIUM_REQUIRE_POSTGRES") != "1" {
		t.Skip(cluster.err)
	}
	if cluster.err != nil {
		t.Fatal(cluster.err)
	}
	address, err := cluster.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// EveryDatabase runs a test on each kind of database, with a data folder and the URL that
// VIVARIUM_DATABASE_URL would have.
func EveryDatabase(t *testing.T, test func(t *testing.T, dir, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, t.TempDir(), "") })
	t.Run("postgres", func(t *testing.T) { test(t, t.TempDir(), PostgresURL(t)) })
}

// Log is a log that is seen where VIVARIUM_TEST_LOG is set.
func Log(t testing.TB) *slog.Logger {
	if os.Getenv("VIVARIUM_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// Must ends a test that met an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Eventually waits for a condition.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
