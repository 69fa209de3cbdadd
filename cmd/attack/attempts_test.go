package attack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"vivarium/pipeline"
	"vivarium/sandbox/eventually"
	"vivarium/server/store"
	"vivarium/server/store/queue"
)

// lateWriter is what a worker that was taken for dead does with its recorder once its successor has
// begun. Its attempt ends with the error or the outcome that write returns.
type lateWriter struct {
	tried string
	write func(ctx context.Context, rec pipeline.Recorder) (pipeline.Outcome, error)
}

const late = "written by a dead worker"

var lateOutcome = pipeline.Outcome{State: pipeline.Passed, Summary: late}

var lateWriters = map[string]lateWriter{
	"log": {"lines of the log", func(ctx context.Context, rec pipeline.Recorder) (pipeline.Outcome, error) {
		for ctx.Err() == nil { // only a later call tells that a commit was refused
			if err := rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte(late+"\n")); err != nil {
				return pipeline.Outcome{}, err
			}
			time.Sleep(5 * time.Millisecond)
		}
		return pipeline.Outcome{}, errors.New("the log was taken")
	}},
	"step-end": {"the end of a step", func(ctx context.Context, rec pipeline.Recorder) (pipeline.Outcome, error) {
		end := pipeline.Step{Name: pipeline.StepClone, State: pipeline.StepPassed, Note: late, EndedAt: time.Now()}
		return pipeline.Outcome{}, orTaken(rec.StepEnded(ctx, end))
	}},
	"step-start": {
		"the beginning of a step",
		func(ctx context.Context, rec pipeline.Recorder) (pipeline.Outcome, error) {
			begin := pipeline.Step{Name: pipeline.StepTest, Note: late, StartedAt: time.Now()}
			return pipeline.Outcome{}, orTaken(rec.StepStarted(ctx, begin))
		},
	},
	"outcome": {"the end of the build", func(context.Context, pipeline.Recorder) (pipeline.Outcome, error) {
		return lateOutcome, nil
	}},
	"give-back": {
		"putting the build back into the queue",
		func(context.Context, pipeline.Recorder) (pipeline.Outcome, error) {
			return pipeline.Outcome{}, errors.New(late)
		},
	},
}

func orTaken(err error) error {
	if err == nil {
		return errors.New("the step was taken")
	}
	return err
}

// fence is two servers on one database. Both work on the same builds, one after the other.
type fence struct {
	builds map[int64]string         // by id: the name of the late writer
	first  map[string]chan struct{} // closed when the first attempt runs
	second map[string]chan struct{} // closed when the second one does
	wrote  map[string]chan error    // the late write's error
	end    map[string]chan struct{} // lets the second attempt end
	over   <-chan struct{}
}

// TestAttempts lets workers that were taken for dead write into builds that other workers have
// begun anew.
func TestAttempts(t *testing.T) {
	address := startPostgres(t)
	dead, alive := openStore(t, address), openStore(t, address)
	f := fence{
		map[int64]string{},
		map[string]chan struct{}{},
		map[string]chan struct{}{},
		map[string]chan error{},
		map[string]chan struct{}{},
		t.Context().Done(),
	}
	for name := range sorted(lateWriters) {
		a, err := dead.Queue.AcceptPush(t.Context(), queue.Push{
			GUID: name, BodyHash: name,
			Repo: pipeline.Repository{ID: 1, FullName: "attack/" + name, DefaultBranch: "main"},
			Ref:  "refs/heads/main", SHA: strings.Repeat("a", 40),
		})
		if err != nil {
			t.Fatal(err)
		}
		f.builds[a.BuildID] = name
		f.first[name], f.second[name], f.wrote[name], f.end[name] = make(chan struct{}), make(chan struct{}),
			make(chan error, 1), make(chan struct{})
	}
	serveStore(t, dead, f.attemptOne)
	for name := range f.first {
		await(t, f.first[name], "a first attempt")
	}
	serveStore(t, alive, f.attemptTwo)
	f.loseLeases(t, address)
	for id, name := range f.builds {
		attack(t, name, lateWriters[name].tried+
			" by a worker whose build another one has begun anew", func(t *testing.T, l *line) {
			f.judge(t, l, alive, id, name)
		})
	}
}

func openStore(t *testing.T, address string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir(), DatabaseURL: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func serveStore(t *testing.T, s *store.Store, build func(context.Context, pipeline.Build,
	pipeline.Recorder) (pipeline.Outcome, error)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	served, ready := make(chan error, 1), make(chan struct{})
	go func() {
		served <- s.Serve(ctx, store.Work{
			Workers: len(lateWriters), Build: build, TargetURL: func(int64) string { return "" },
		}, func() { close(ready) })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	await(t, ready, "a server")
}

func await(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience(t, 30*time.Second)):
		t.Fatalf("%s did not come", what)
	}
}

// attemptOne begins a step, and writes once its successor has begun, whatever it was told
// meanwhile.
func (f fence) attemptOne(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
	name := f.builds[b.ID]
	step := pipeline.Step{Name: pipeline.StepClone, StartedAt: time.Now()}
	if err := rec.StepStarted(ctx, step); err != nil {
		return pipeline.Outcome{}, err
	}
	close(f.first[name])
	for _, begun := range f.second { // else the first server could take a second attempt
		f.until(begun)
	}
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	o, err := lateWriters[name].write(long, rec)
	f.wrote[name] <- err
	return o, err
}

// until waits for c, at most until the test is over.
func (f fence) until(c <-chan struct{}) {
	select {
	case <-c:
	case <-f.over:
	}
}

// attemptTwo is the control: its writes are accepted.
func (f fence) attemptTwo(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
	name := f.builds[b.ID]
	step := pipeline.Step{Name: pipeline.StepClone, StartedAt: time.Now()}
	if err := rec.StepStarted(ctx, step); err != nil {
		return pipeline.Outcome{}, err
	}
	close(f.second[name])
	f.until(f.end[name])
	if err := rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte("the second attempt\n")); err != nil {
		return pipeline.Outcome{}, err
	}
	step.State, step.Cause, step.Note, step.EndedAt = pipeline.StepFailed, pipeline.CauseClone, "second", time.Now()
	if err := rec.StepEnded(ctx, step); err != nil {
		return pipeline.Outcome{}, err
	}
	return pipeline.Outcome{State: pipeline.Errored, Cause: pipeline.CauseClone, Summary: "second"}, nil
}

// loseLeases lets the first server's leases run out, as if it were paused, until the second server
// has all builds.
func (f fence) loseLeases(t *testing.T, address string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	deadline := time.Now().Add(patience(t, 30*time.Second))
	for name := range f.second {
		for begun := false; !begun; {
			if _, err := conn.Exec(t.Context(),
				"UPDATE builds SET lease_until = 1 WHERE attempt = 1 AND state = 'running'"); err != nil {
				t.Fatal(err)
			}
			select {
			case <-f.second[name]:
				begun = true
			case <-time.After(20 * time.Millisecond):
			}
			if time.Now().After(deadline) {
				t.Fatal("the second server does not take the builds over")
			}
		}
	}
}

func (f fence) judge(t *testing.T, l *line, s *store.Store, id int64, name string) {
	t.Helper()
	told := "nothing"
	select {
	case err := <-f.wrote[name]:
		if err != nil {
			told = err.Error()
		}
	case <-time.After(patience(t, 30*time.Second)):
		t.Fatal("the late write did not come to its end")
	}
	if b := f.read(t, s, id); b.State != pipeline.Running || b.Attempt != 2 {
		t.Errorf("after the late write the build is %s in attempt %d", b.State, b.Attempt)
	}
	close(f.end[name])
	eventually.Within(patience(t, 30*time.Second), func() bool { return f.read(t, s, id).State.Ended() })
	b := f.read(t, s, id)
	log, _, err := s.Logs.StepLog(t.Context(), id, pipeline.StepClone, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if b.State != pipeline.Errored || b.Summary != "second" || b.Attempt != 2 ||
		!strings.Contains(log, "the second attempt") {
		t.Errorf("control: the second attempt ended as %s %q in attempt %d; log: %s",
			b.State, b.Summary, b.Attempt, log)
	}
	l.control = "what the second attempt wrote by the same calls was taken"
	if all := fmt.Sprintf("%+v %s", b, log) + f.chunks(t, s, id); strings.Contains(all, late) || len(b.Steps) != 1 ||
		strings.Contains(told, "taken") {
		t.Errorf("the dead worker was told %q, and this is stored: %s", told, all)
	}
	l.outcome = "nothing of it is stored; the dead worker was told: " + told
}

func (f fence) read(t *testing.T, s *store.Store, id int64) pipeline.Build {
	t.Helper()
	b, err := s.Builds.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (f fence) chunks(t *testing.T, s *store.Store, id int64) string {
	t.Helper()
	list, err := s.Logs.Chunks(t.Context(), id, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, c := range list {
		text.Write(c.Data)
	}
	return text.String()
}
