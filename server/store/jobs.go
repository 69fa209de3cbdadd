package store

import (
	"context"
	"log/slog"
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

// warnings are what River's log is good for here: its own starts and stops are no change of state of a build.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

func riverLog(log *slog.Logger) *slog.Logger { return slog.New(warnings{log.Handler()}) }
