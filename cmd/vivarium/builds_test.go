package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"vivarium/cmd/internal/harness"
	"vivarium/cmd/vivarium/datadir"
	"vivarium/pipeline"
	"vivarium/pipeline/results"
	"vivarium/server/store"
	"vivarium/server/store/queue"
	"vivarium/server/store/queue/queuetest"
)

// testPush is the delivery of the n-th commit of octo/hello.
func testPush(n int) queue.Push {
	p := queuetest.Push(n)
	p.Message = fmt.Sprintf("change %d", n)
	return p
}

// seed fills the data directory through the store: build 1 passed, 2 failed, and 3 is queued.
func seed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: seed")
	}
	dir := ts.Getenv("VIVARIUM_DATA_DIR")
	ts.Check(datadir.Make(dir))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := store.Open(ctx, store.Options{DataDir: dir})
	ts.Check(err)
	defer func() { ts.Check(s.Close()) }()
	for n := 1; n <= 2; n++ {
		_, err := s.Queue.AcceptPush(ctx, testPush(n))
		ts.Check(err)
	}
	ts.Check(serveUntilEnded(ctx, s, 2, playOutcome))
	_, err = s.Queue.AcceptPush(ctx, testPush(3))
	ts.Check(err)
}

// serveUntilEnded works on the queue until build id has ended.
func serveUntilEnded(ctx context.Context, s *store.Store, id int64,
	build func(context.Context, pipeline.Build, pipeline.Recorder) (pipeline.Outcome, error)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	wake, forget := s.Logs.Watch(id)
	defer forget()
	done := make(chan error, 1)
	go func() {
		done <- s.Serve(ctx, store.Work{Workers: 1, Build: build, StatusContext: "vivarium"}, func() {})
	}()
	for {
		b, err := s.Builds.Get(ctx, id)
		if err != nil || b.State.Ended() {
			stop()
			return errors.Join(err, <-done)
		}
		select {
		case <-wake:
		case err := <-done:
			return err
		}
	}
}

// playOutcome passes the first commit and fails all others.
func playOutcome(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
	one := 1
	step := pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepRunning, Command: "python -m unittest",
		StartedAt: time.Now()}
	if err := rec.StepStarted(ctx, step); err != nil {
		return pipeline.Outcome{}, err
	}
	text := "\x1b[31mred\x1b[0m \x1b]0;title\x07shown\rover\n"
	if err := rec.Output(ctx, step.Name, pipeline.Stdout, []byte(text)); err != nil {
		return pipeline.Outcome{}, err
	}
	o := pipeline.Outcome{State: pipeline.Passed, Summary: "3 tests in 1.0 s", Image: "python-3.11"}
	step.State, step.EndedAt = pipeline.StepPassed, time.Now()
	if b.ID > 1 {
		o.State, o.Cause, o.Summary = pipeline.Failed, pipeline.CauseTests, "3 tests, 1 failure"
		step.State, step.Cause, step.Note, step.ExitCode = pipeline.StepFailed, o.Cause, o.Summary, &one
		if err := rec.Tests(ctx, step.Name, playedTests); err != nil {
			return pipeline.Outcome{}, err
		}
	}
	return o, rec.StepEnded(ctx, step)
}

// playedTests are what the tests of a build came to that failed.
var playedTests = []results.Test{
	{ID: "tests.test_a.A.test_1", Outcome: results.Passed},
	{
		ID: "tests.test_a.A.test_2", Outcome: results.Failed, Reason: "AssertionError: 90 != 100",
		Path: "tests/test_a.py", Line: 31, Again: results.Always,
	},
	{ID: "tests.test_a.A.test_3", Outcome: results.Skipped, Reason: "no display"},
}

func TestABuildThatWaitsAgainTakesNoTime(t *testing.T) {
	b := pipeline.Build{State: pipeline.Queued, StartedAt: time.Now().Add(-time.Minute)}
	if got := buildTook(b); got != "-" {
		t.Errorf("while it waits for its second attempt it took %q", got)
	}
	b.State = pipeline.Running
	if got := buildTook(b); got != "1 min so far" {
		t.Errorf("while it runs it took %q", got)
	}
}

// TestFollowedLogGrowsWhileTheBuildRuns reads a line before the build may write the next.
func TestFollowedLogGrowsWhileTheBuildRuns(t *testing.T) {
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Queue.AcceptPush(t.Context(), testPush(1)); err != nil {
		t.Fatal(err)
	}
	seen := make(chan struct{})
	served := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		served <- serveUntilEnded(ctx, s, 1,
			func(ctx context.Context, _ pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
				step := pipeline.Step{Name: pipeline.StepClone, State: pipeline.StepRunning, StartedAt: time.Now()}
				if err := rec.StepStarted(ctx, step); err != nil {
					return pipeline.Outcome{}, err
				}
				if err := rec.Output(ctx, step.Name, pipeline.Stdout, []byte("first\n")); err != nil {
					return pipeline.Outcome{}, err
				}
				select {
				case <-seen:
				case <-ctx.Done():
					return pipeline.Outcome{}, ctx.Err()
				}
				err := rec.Output(ctx, step.Name, pipeline.Stdout, []byte("second\n"))
				return pipeline.Outcome{State: pipeline.Passed, Summary: "done"}, err
			})
	}()

	cmd := exec.CommandContext(ctx, file, "builds", "log", "-f", "1")
	cmd.Dir, cmd.Env = dir, append(harness.Environ(), "VIVARIUM_DATA_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		got = append(got, lines.Text())
		if len(got) == 1 {
			close(seen)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("log -f ended with %v", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if strings.Join(got, "|") != "first|second" {
		t.Errorf("got %q", got)
	}
}
