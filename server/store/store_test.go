package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/queue"
	"vivarium/server/store/queue/queuetest"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// The test helpers that stand in nearly every line.
var (
	must       = storetest.Must
	eventually = storetest.Eventually
	testLog    = storetest.Log
	push       = queuetest.Push
	passing    = queuetest.Passing
	noLeaks    = queuetest.NoLeaks
)

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

func accept(t *testing.T, s *Store, p queue.Push) int64 {
	t.Helper()
	a, err := s.Queue.AcceptPush(t.Context(), p)
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

// blocking is a Build function that begins a step, tells of it, and waits until its context ends.
func blocking(started chan<- int64) func(context.Context, pipeline.Build, pipeline.Recorder) (pipeline.Outcome, error) {
	return func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
		if err := rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepClone, StartedAt: time.Now()}); err != nil {
			return pipeline.Outcome{}, err
		}
		started <- b.ID
		<-ctx.Done()
		if errors.Is(context.Cause(ctx), pipeline.ErrCanceled) {
			return pipeline.Outcome{State: pipeline.Canceled, Cause: pipeline.CauseCanceled, Summary: "canceled"}, nil
		}
		return pipeline.Outcome{}, context.Cause(ctx)
	}
}

// pushOf is the n-th push of a test, of a repository and branch.
func pushOf(n int, repo, branch string) queue.Push {
	p := push(n)
	p.Repo.FullName, p.Ref = repo, pipeline.BranchRef(branch)
	return p
}

// locked runs f under mu.
func locked(mu *sync.Mutex, f func()) {
	mu.Lock()
	defer mu.Unlock()
	f()
}
