// Package queuetest is what the tests of the queue and of the whole store push, build and serve.
package queuetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vivarium/pipeline"
	"vivarium/server/store/queue"
)

// Push is a delivery for the n-th commit.
func Push(n int) queue.Push {
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

// Serve starts run and waits until it is ready. It returns a function that stops it and waits.
func Serve(t *testing.T, run func(ctx context.Context, ready func()) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- run(ctx, func() { close(ready) }) }()
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

// NoLeaks fails a test that leaves a goroutine behind.
func NoLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// Passing is a Build function that writes a line.
func Passing(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
	if err := Say(ctx, rec, pipeline.StepClone, fmt.Sprintf("build %d\n", b.ID)); err != nil {
		return pipeline.Outcome{}, err
	}
	return pipeline.Outcome{State: pipeline.Passed, Summary: "3 tests", Image: "python-3.11"}, nil
}

// Say is a whole step with one piece of output.
func Say(ctx context.Context, rec pipeline.Recorder, step pipeline.StepName, text string) error {
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
