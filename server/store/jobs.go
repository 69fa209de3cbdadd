package store

import (
	"time"

	"github.com/riverqueue/river"
)

const (
	buildQueue  = "builds"
	statusQueue = "statuses"
)

// buildArgs is a ticket: whoever draws it works on the build whose turn it is.
type buildArgs struct{}

func (buildArgs) Kind() string { return "build" }

// ticket is a job that lets one waiting build be worked on, at once or after a wait. Should the job fail for good before
// it has claimed a build, the next scan makes another one.
func ticket(wait time.Duration) river.InsertManyParams {
	opts := &river.InsertOpts{Queue: buildQueue, MaxAttempts: 5}
	if wait > 0 { // a time that is set makes a job wait for River's scheduler, which looks every 5 s
		opts.ScheduledAt = time.Now().Add(wait)
	}
	return river.InsertManyParams{Args: buildArgs{}, InsertOpts: opts}
}

// statusArgs tells the sender to look at a target's statuses.
type statusArgs struct {
	Target int64 `json:"target"`
}

func (statusArgs) Kind() string { return "status" }

// statusJob for an end is worked before those for a beginning: with many builds waiting, a result is
// not kept back by their pending statuses.
func statusJob(target int64, ended bool) river.InsertManyParams {
	priority := 2
	if ended {
		priority = 1
	}
	return river.InsertManyParams{
		Args:       statusArgs{Target: target},
		InsertOpts: &river.InsertOpts{Queue: statusQueue, MaxAttempts: 25, Priority: priority},
	}
}
