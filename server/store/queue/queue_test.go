package queue_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/store"
	"vivarium/server/store/people"
	"vivarium/server/store/queue"
	"vivarium/server/store/queue/queuetest"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("VIVARIUM_TEST_CRASH_DIR"); dir != "" {
		serveUntilKilled(dir)
		return
	}
	if dir := os.Getenv("VIVARIUM_TEST_MORTALS_DIR"); dir != "" {
		serveMortals(dir)
		return
	}
	if address := os.Getenv("VIVARIUM_TEST_SERVE_URL"); address != "" {
		serveOnURL(address)
		return
	}
	storetest.Main(m)
}

// The names that stand in nearly every line.
type (
	Options  = store.Options
	Work     = store.Work
	Push     = queue.Push
	Accepted = queue.Accepted
)

var (
	must        = storetest.Must
	eventually  = storetest.Eventually
	testLog     = storetest.Log
	push        = queuetest.Push
	passing     = queuetest.Passing
	say         = queuetest.Say
	noLeaks     = queuetest.NoLeaks
	postgresURL = storetest.PostgresURL
)

// Store is a whole store, and its queue's methods at hand.
type Store struct {
	*store.Store
	*queue.Queue
}

// Open opens a store.
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := store.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Store{s, s.Queue}, nil
}

// everyDatabase runs a test on each database. open opens the same one each time.
func everyDatabase(t *testing.T, test func(t *testing.T, open func() *Store)) {
	t.Helper()
	storetest.EveryDatabase(t, func(t *testing.T, dir, url string) {
		test(t, func() *Store { return openStore(t, Options{DataDir: dir, DatabaseURL: url, Log: testLog(t)}) })
	})
}

func openStore(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func sqliteStore(t *testing.T) *Store {
	t.Helper()
	return openStore(t, Options{DataDir: t.TempDir(), Log: testLog(t)})
}

var byTest = people.Actor{Who: "a test"}

func accept(t *testing.T, s *Store, p Push) int64 {
	t.Helper()
	a, err := s.AcceptPush(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return a.BuildID
}

// serve starts Serve and returns a function that stops it and waits.
func serve(t *testing.T, s *Store, w Work) (stop func()) {
	t.Helper()
	if w.Workers == 0 {
		w.Workers = 2
	}
	return queuetest.Serve(t, func(ctx context.Context, ready func()) error { return s.Serve(ctx, w, ready) })
}

func waitState(t *testing.T, s *Store, id int64, want pipeline.State) pipeline.Build {
	t.Helper()
	var b pipeline.Build
	eventually(t, fmt.Sprintf("build %d %s", id, want), func() bool {
		var err error
		if b, err = s.Builds.Get(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return b.State == want
	})
	return b
}
