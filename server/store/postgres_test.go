package store

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"vivarium/server/store/storetest"
)

// cluster is the PostgreSQL server of this test run. It is started by the first test that needs it.
var cluster struct {
	sync.Once
	*storetest.Postgres
	err error
}

// postgresURL gives a test a database of its own.
func postgresURL(t testing.TB) string {
	t.Helper()
	cluster.Do(func() { cluster.Postgres, cluster.err = storetest.Start(time.Minute) })
	if errors.Is(cluster.err, storetest.ErrAbsent) && os.Getenv("VIVARIUM_REQUIRE_POSTGRES") != "1" {
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
