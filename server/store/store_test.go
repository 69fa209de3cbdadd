package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vivarium/pipeline"
	"vivarium/server/store/queue"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// The test helpers that stand in nearly every line.
var (
	must       = storetest.Must
	eventually = storetest.Eventually
	testLog    = storetest.Log
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

// push is a delivery for the n-th commit.
func push(n int) queue.Push {
	return queue.Push{
		GUID:     fmt.Sprintf("guid-%d", n),
		BodyHash: fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, n))),
		Repo:     pipeline.Repository{ID: 7, FullName: "octo/hello", DefaultBranch: "main"},
		Ref:      "refs/heads/main",
		SHA:      fmt.Sprintf("%040x", n),
		Author:   "octocat",
		Message:  "say hello",
	}
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
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.Serve(ctx, w, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		cancel()
		t.Fatalf("serve: %v", err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func noLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
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

// passing is a Build function that writes a line.
func passing(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
	if err := say(ctx, rec, pipeline.StepClone, fmt.Sprintf("build %d\n", b.ID)); err != nil {
		return pipeline.Outcome{}, err
	}
	return pipeline.Outcome{State: pipeline.Passed, Summary: "3 tests", Image: "python-3.11"}, nil
}

// say is a whole step with one piece of output.
func say(ctx context.Context, rec pipeline.Recorder, step pipeline.StepName, text string) error {
	started := pipeline.Step{Name: step, Command: "say", StartedAt: time.Now()}
	if err := rec.StepStarted(ctx, started); err != nil {
		return err
	}
	if err := rec.Output(ctx, step, pipeline.Stdout, []byte(text)); err != nil {
		return err
	}
	started.State, started.EndedAt = pipeline.StepPassed, time.Now()
	return rec.StepEnded(ctx, started)
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
