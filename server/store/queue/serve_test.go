package queue_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/dirlock"
	"vivarium/server/store/queue"
	"vivarium/server/store/queue/patience"
)

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

func TestBuildRunsSoonAfterItsDelivery(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		noLeaks(t)
		s := open()
		serve(t, s, Work{Build: passing})
		id := accept(t, s, push(1))
		b := waitState(t, s, id, pipeline.Passed)
		t.Logf("delivery to start: %s", b.StartedAt.Sub(b.QueuedAt))
		if b.Attempt != 1 || b.Summary != "3 tests" || b.Image != "python-3.11" || b.EndedAt.Before(b.StartedAt) {
			t.Errorf("got %+v", b)
		}
		if len(b.Steps) != 1 || b.Steps[0].State != pipeline.StepPassed || b.Steps[0].Command != "say" ||
			b.Steps[0].StartedAt.IsZero() {
			t.Errorf("steps: got %+v", b.Steps)
		}
	})
}

func TestBuildStaysQueuedUntilTheServerIsReady(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		noLeaks(t)
		s := open()
		asked, left, ready := make(chan bool, 10), make(chan bool, 10), make(chan bool)
		work := Work{Build: passing, Ready: func(ctx context.Context) func() {
			asked <- true
			select {
			case <-ready:
			case <-ctx.Done():
			}
			return func() { left <- true }
		}}
		stop := serve(t, s, work)
		id := accept(t, s, push(1))
		<-asked
		if b, err := s.Builds.Get(t.Context(), id); err != nil || b.State != pipeline.Queued || b.Attempt != 0 {
			t.Errorf("before the server is ready: %s, attempt %d, %v; want queued, 0", b.State, b.Attempt, err)
		}
		stop() // and the ticket is lost
		serve(t, s, work)
		<-asked
		close(ready)
		if b := waitState(t, s, id, pipeline.Passed); b.Attempt != 1 {
			t.Errorf("got attempt %d, want 1", b.Attempt)
		}
		for range 2 {
			<-left // the ticket that was lost, and the build's
		}
	})
}

func TestStoppedServerQueuesItsBuildsAgain(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		noLeaks(t)
		s := open()
		started := make(chan int64, 1)
		stop := serve(t, s, Work{Build: blocking(started)})
		id := accept(t, s, push(1))
		<-started
		stop()
		b, err := s.Builds.Get(t.Context(), id)
		if err != nil || b.State != pipeline.Queued {
			t.Fatalf("after the stop: got %s, %v; want queued", b.State, err)
		}
		serve(t, s, Work{Build: passing})
		if b = waitState(t, s, id, pipeline.Passed); b.Attempt != 2 {
			t.Errorf("got attempt %d, want 2", b.Attempt)
		}
	})
}

// TestKilledServerLosesNothing kills a serving process in the middle of a build: the next server
// runs the build again as attempt 2, and the log tells.
func TestKilledServerLosesNothing(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, Options{DataDir: dir, Log: testLog(t)})
	id := accept(t, s, push(1))

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), "VIVARIUM_TEST_CRASH_DIR="+dir)
	child.Stderr = t.Output()
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatalf("the child did not begin the build: %v", err)
	}

	err = s.Serve(t.Context(), Work{Workers: 1, Build: passing}, func() {})
	if locked, ok := errors.AsType[*dirlock.HeldError](err); !ok || locked.PID != child.Process.Pid {
		t.Errorf("a second server got %v, want a HeldError with pid %d", err, child.Process.Pid)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	child.Wait()

	poster := newFakePoster()
	serve(t, s, Work{Build: passing, Reporter: poster, StatusContext: "vivarium"})
	b := waitState(t, s, id, pipeline.Passed)
	if b.Attempt != 2 {
		t.Errorf("got attempt %d, want 2", b.Attempt)
	}
	log := wholeLog(t, s, id)
	for _, want := range []string{"first attempt\n",
		"Attempt 1 was lost: the server that ran it died. The build is queued again.\n", "build 1\n"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q: %q", want, log)
		}
	}
	if text, _, err := s.Logs.StepLog(t.Context(), id, pipeline.StepClone, 1000); err != nil || text != "build 1\n" {
		t.Errorf("the step's log: got %q, %v; want the newest attempt's", text, err)
	}
	eventually(t, "the final status", func() bool { return slices.Contains(poster.states(push(1).SHA), "success") })
	// A ticket that came too late may be looked at just now.
	eventually(t, "the end of the dead server's jobs", func() bool {
		var running int64
		must(t, s.Database.Read(t.Context()).Table("river_job").Where("state = ? AND kind = 'build'",
			rivertype.JobStateRunning).Count(&running).Error)
		return running == 0
	})
}

func wholeLog(t *testing.T, s *Store, id int64) string {
	t.Helper()
	var text bytes.Buffer
	for after := int64(0); ; {
		chunks, err := s.Logs.Chunks(t.Context(), id, after, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(chunks) == 0 {
			return text.String()
		}
		for _, c := range chunks {
			if c.Seq != after+1 {
				t.Fatalf("chunk %d follows %d", c.Seq, after)
			}
			after = c.Seq
			text.Write(c.Text())
		}
	}
}

// TestLeaseOfADeadServerRunsOut: on a shared database a build is taken over once its server did not
// renew its lease, and what the old attempt still writes is refused.
func TestLeaseOfADeadServerRunsOut(t *testing.T) {
	s := openStore(t, Options{DatabaseURL: postgresURL(t), DataDir: t.TempDir(), Log: testLog(t)})
	id := accept(t, s, push(1))
	dead, ok, err := s.Claim(t.Context(), 0, "dead")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := s.Database.Read(t.Context()).Exec("UPDATE builds SET lease_until = 1 WHERE id = ?",
		id).Error; err != nil {
		t.Fatal(err)
	}
	serve(t, s, Work{Build: passing})
	if b := waitState(t, s, id, pipeline.Passed); b.Attempt != 2 {
		t.Errorf("got attempt %d, want 2", b.Attempt)
	}
	if err := s.Finish(t.Context(), dead, pipeline.Outcome{State: pipeline.Failed}); !errors.Is(err, builds.ErrLost) {
		t.Errorf("the dead attempt's end: got %v, want builds.ErrLost", err)
	}
}

func TestReplacedAttemptCannotWrite(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		id := accept(t, s, push(1))
		old, _, err := s.Claim(t.Context(), 0, "old")
		if err != nil {
			t.Fatal(err)
		}
		err = s.Database.Transact(t.Context(), func(tx *database.Tx) error {
			b := old
			return s.Requeue(t.Context(), tx, &b, queue.Loss{Why: "was lost"})
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, err := s.Claim(t.Context(), 0, "new"); err != nil || !ok {
			t.Fatalf("the new attempt: %v, %v", ok, err)
		}
		before := wholeLog(t, s, id)
		err = s.Finish(t.Context(), old, pipeline.Outcome{State: pipeline.Passed})
		if !errors.Is(err, builds.ErrLost) {
			t.Errorf("end: got %v, want builds.ErrLost", err)
		}
		if err := s.GiveBack(t.Context(), old, queue.Loss{Why: "was abandoned"}); !errors.Is(err, builds.ErrLost) {
			t.Errorf("queueing it again: got %v, want builds.ErrLost", err)
		}
		if after := wholeLog(t, s, id); after != before {
			t.Errorf("the log grew: %q, before %q", after, before)
		}
	})
}

func TestClaimsAtOnceNeverShareABuild(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		const n = 20
		for i := range n {
			accept(t, s, push(i))
		}
		got := make(chan int64, n)
		done := make(chan error, 4)
		for range 4 {
			go func() {
				for {
					b, ok, err := s.Claim(context.WithoutCancel(t.Context()), 0, "me")
					if err != nil || !ok {
						done <- err
						return
					}
					got <- b.ID
				}
			}()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		close(got)
		seen := map[int64]bool{}
		for id := range got {
			if seen[id] {
				t.Errorf("build %d was claimed twice", id)
			}
			seen[id] = true
		}
		if len(seen) != n {
			t.Errorf("%d builds were claimed, want %d", len(seen), n)
		}
	})
}

func TestCancel(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s, other := open(), open() // two processes' worth of stores on one database
		started := make(chan int64, 2)
		poster := newFakePoster()
		queued := accept(t, s, push(9))
		if err := other.Cancel(t.Context(), byTest, queued); err != nil {
			t.Fatal(err)
		}
		if b := waitState(t, s, queued, pipeline.Canceled); b.Cause != pipeline.CauseCanceled || b.Attempt != 0 {
			t.Errorf("a queued build: got %+v", b)
		}
		if err := s.Cancel(t.Context(), byTest, queued); !errors.Is(err, builds.ErrEnded) {
			t.Errorf("an ended build: got %v, want builds.ErrEnded", err)
		}
		if err := s.Cancel(t.Context(), byTest, 99); !errors.Is(err, database.ErrNotFound) {
			t.Errorf("an unknown build: got %v, want database.ErrNotFound", err)
		}
		serve(t, s, Work{Build: blocking(started), Reporter: poster, StatusContext: "vivarium"})
		for i, canceler := range []*Store{s, other} {
			id := accept(t, s, push(i))
			<-started
			if err := canceler.Cancel(t.Context(), byTest, id); err != nil {
				t.Fatal(err)
			}
			waitState(t, s, id, pipeline.Canceled)
			eventually(t, "the status", func() bool { return slices.Contains(poster.states(push(i).SHA), "error") })
		}
	})
}

// TestNoStepOfAnEndedBuildRuns: who was to tell of its end has died.
func TestNoStepOfAnEndedBuildRuns(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		for want, lose := range map[pipeline.Cause]func(*builds.Row){
			pipeline.CauseCanceled: func(b *builds.Row) { b.CancelRequested = true },
			pipeline.CauseInternal: func(b *builds.Row) { b.Losses = patience.MaxLosses },
		} {
			b := fetching(t, s)
			lose(&b)
			must(t, s.Database.Transact(t.Context(),
				func(tx *database.Tx) error { return s.Requeue(t.Context(), tx, &b, queue.Loss{Why: "was lost"}) }))
			got, err := s.Builds.Get(t.Context(), b.ID)
			if err != nil || got.Cause != want || len(got.Steps) != 1 {
				t.Fatalf("got %+v, %v; want cause %s", got, err, want)
			}
			if step := got.Steps[0]; step.State != pipeline.StepErrored || step.Cause != want || step.EndedAt.IsZero() {
				t.Errorf("%s: the step is %+v", want, step)
			}
			if text, _, err := s.Logs.StepLog(t.Context(), b.ID, pipeline.StepClone, 100); err != nil ||
				text != "fetching\n" {
				t.Errorf("%s: the step's log is %q, %v", want, text, err)
			}
		}
	})
}

// fetching is a build that has begun its first step, and said so.
func fetching(t *testing.T, s *Store) builds.Row {
	t.Helper()
	accept(t, s, push(rand.IntN(1<<30)))
	b, ok, err := s.Claim(t.Context(), 0, "dead")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	step := pipeline.Step{Name: pipeline.StepClone, State: pipeline.StepRunning, StartedAt: time.Now()}
	must(t, s.Database.Transact(t.Context(), func(tx *database.Tx) error {
		return errors.Join(
			builds.PutStep(tx, builds.NewStepRow(b.ID, b.Attempt, step), 0),
			tx.Exec(`INSERT INTO log_chunks (build_id, seq, attempt, step, stream, at, data, omitted)
				VALUES (?, 1, ?, ?, ?, 1, ?, 0)`,
				b.ID, b.Attempt, step.Name, pipeline.Stdout, []byte("fetching\n")).Error,
			tx.Exec("UPDATE builds SET log_seq = 1 WHERE id = ?", b.ID).Error,
		)
	}))
	return b
}

func TestBuildThatKeepsFailingIsGivenUp(t *testing.T) {
	s := sqliteStore(t)
	id := accept(t, s, push(1))
	for n := range patience.MaxLosses {
		past := time.Duration(n) * time.Hour // the wait after a loss
		s.Database.Now = func() time.Time { return time.Now().Add(past) }
		b, ok, err := s.Claim(t.Context(), 0, "me")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		err = s.Database.Transact(t.Context(), func(tx *database.Tx) error {
			return s.Requeue(t.Context(), tx, &b, queue.Loss{Why: "was lost"})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	b := waitState(t, s, id, pipeline.Errored)
	if b.Cause != pipeline.CauseInternal || !strings.HasPrefix(b.Summary, "given up after 5 attempts") {
		t.Errorf("got %s: %s", b.Cause, b.Summary)
	}
}

func TestPanickingBuildEndsAndTheServerGoesOn(t *testing.T) {
	s := sqliteStore(t)
	var calls atomic.Int64
	serve(t, s, Work{Workers: 1,
		Build: func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
			if calls.Add(1) == 1 {
				panic("oh")
			}
			return passing(ctx, b, rec)
		}})
	first, second := accept(t, s, push(1)), accept(t, s, push(2))
	if b := waitState(t, s, first, pipeline.Errored); b.Cause != pipeline.CauseInternal || b.Attempt != 1 {
		t.Errorf("got %+v", b)
	}
	waitState(t, s, second, pipeline.Passed)
}
