package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/database"
	"vivarium/server/store/outbox"
)

// Poster sends commit statuses. Errors are *pipeline.RefusedError, *pipeline.RetryError, or others, which are retried.
type Poster interface {
	Post(ctx context.Context, st pipeline.CommitStatus) error
}

// sender works on the outbox: a job sends what there is for one target.
type sender struct {
	river.WorkerDefaults[statusArgs]
	*server
}

// Timeout ends a job before its claim on the target does, so that two never post for one.
func (w *sender) Timeout(*river.Job[statusArgs]) time.Duration { return claimTime - outbox.PostTimeout }

// Work sends what is to be sent for a target. Who finds it claimed leaves at once: the holder looks for
// new statuses before it lets go.
func (w *sender) Work(ctx context.Context, job *river.Job[statusArgs]) error {
	t, send, err := w.claimTarget(ctx, job.Args.Target)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil // its repository was purged
	}
	if err != nil {
		return fmt.Errorf("claim the statuses of target %d: %w", job.Args.Target, err)
	}
	if wait := database.FromMicros(t.NotBefore).Sub(w.db.Now()); wait > 0 {
		return river.JobSnooze(wait)
	}
	wait, err := w.deliver(ctx, &t, send)
	if err != nil {
		// River keeps the words with the job: they name no repository, which may be purged meanwhile.
		return fmt.Errorf("send the statuses of target %d: %w", t.ID, err)
	}
	if wait > 0 {
		return river.JobSnooze(wait)
	}
	return nil
}

// deliver sends one status after the other. It returns how long to wait, after a failure or for what is not due yet.
func (w *sender) deliver(ctx context.Context, t *targetRow, send *statusRow) (wait time.Duration, err error) {
	for send != nil {
		result, healed := w.attempt(ctx, t, send)
		// What became of a post is written even where the server is being stopped meanwhile.
		ctx := context.WithoutCancel(ctx)
		send, err = w.record(ctx, t, send, result)
		if healed {
			w.log.InfoContext(ctx, "the host takes the token again")
			err = errors.Join(err, w.resume(ctx, http.StatusUnauthorized))
		}
		if err != nil || result.Retry > 0 {
			return result.Retry, err
		}
	}
	return t.wait, nil
}

// attempt posts r, unless the gate is closed. healed says that the host takes a credential again that it had refused.
func (w *sender) attempt(ctx context.Context, t *targetRow, r *statusRow) (p outbox.Result, healed bool) {
	right, wait, why := w.gate.Enter(w.credential(), w.db.Now(), w.pace())
	if wait > 0 {
		p = outbox.Result{Err: why, Held: true, Retry: wait + outbox.Jitter(w.pace().FirstTrouble)}
		if outbox.IsDead(why) {
			p.Code = http.StatusUnauthorized
		}
		if !r.ends() { // ends go first once the gate is open
			p.Retry += w.pace().Yield
		}
		return p, false
	}
	ctx, cancel := context.WithTimeout(ctx, outbox.PostTimeout)
	defer cancel()
	st := pipeline.CommitStatus{
		Repo: t.Repo, SHA: t.SHA, Context: w.work.StatusContext,
		State: r.State, Description: r.Description,
	}
	if w.work.TargetURL != nil {
		st.TargetURL = w.work.TargetURL(r.BuildID)
	}
	r.Context = st.Context
	err := w.work.Poster.Post(ctx, st)
	wait, healed = w.gate.Leave(right, err, w.db.Now(), w.pace())
	p = outbox.Judge(r.judged(w.db.Now()), err, w.db.Now(), w.pace())
	if p.Code == http.StatusUnauthorized {
		p.Retry = wait + outbox.Jitter(w.pace().FirstTrouble)
	}
	return p, healed
}

// statusQueue is the queue of status jobs.
const statusQueue = "statuses"

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
