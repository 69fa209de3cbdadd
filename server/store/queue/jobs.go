package queue

import (
	"time"

	"github.com/riverqueue/river"
)

// buildQueue is the queue of tickets.
const buildQueue = "builds"

// buildArgs is a ticket: the worker that draws it works on the build whose turn it is.
type buildArgs struct{}

func (buildArgs) Kind() string { return "build" }

// ticket is a job that lets one waiting build be worked on, at once or after a wait. Should the job
// fail for good before it has claimed a build, the next scan makes another one.
func ticket(wait time.Duration) river.InsertManyParams {
	opts := &river.InsertOpts{Queue: buildQueue, MaxAttempts: 5}
	if wait > 0 { // a time that is set makes a job wait for River's scheduler, which looks every 5 s
		opts.ScheduledAt = time.Now().Add(wait)
	}
	return river.InsertManyParams{Args: buildArgs{}, InsertOpts: opts}
}
