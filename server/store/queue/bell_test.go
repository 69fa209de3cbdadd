package queue_test

import (
	"context"
	"testing"
	"time"

	"vivarium/pipeline"
)

// pickups is a Build function that tells when a worker has a build.
func pickups(started chan<- int64) func(context.Context, pipeline.Build, pipeline.Recorder) (pipeline.Outcome, error) {
	return func(_ context.Context, b pipeline.Build, _ pipeline.Recorder) (pipeline.Outcome, error) {
		started <- b.ID
		return pipeline.Outcome{State: pipeline.Passed}, nil
	}
}

// TestPushIsPickedUpAtOnce: workers are told of a job by the commit that makes it. Ten builds that
// each waited for the poll would take five seconds and more.
func TestPushIsPickedUpAtOnce(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		noLeaks(t)
		s := open()
		started := make(chan int64, 1)
		serve(t, s, Work{Build: pickups(started)})
		var waited time.Duration
		for n := range 10 {
			id := accept(t, s, push(n))
			answered := time.Now()
			<-started
			waited += time.Since(answered)
			waitState(t, s, id, pipeline.Passed)
		}
		if waited > 3*time.Second {
			t.Errorf("ten builds waited %s for a worker that had nothing to do", waited)
		}
	})
}

// TestJobOfAnotherProcessIsSeen: it rings no bell here.
func TestJobOfAnotherProcessIsSeen(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s, other := open(), open()
		started := make(chan int64, 1)
		serve(t, s, Work{Build: pickups(started)})
		id := accept(t, other, push(1))
		select {
		case <-started:
		case <-time.After(10 * time.Second): // River's own poll would come after 30 s
			t.Fatalf("build %d, which another process queued, was not picked up", id)
		}
		waitState(t, s, id, pipeline.Passed)
	})
}
