package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"vivarium/pipeline"
)

// Poster sends commit statuses. Errors are *pipeline.UndeliverableError, *pipeline.RetryError, or
// others, which are retried.
type Poster interface {
	Post(ctx context.Context, st pipeline.CommitStatus) error
	// Read gives the newest status of this context on the commit; State "" when there is none.
	Read(ctx context.Context, repo, sha, statusContext string) (pipeline.CommitStatus, error)
}

const (
	postTimeout = 20 * time.Second
	// giveUpAfter is how long a status is tried. By then nobody waits for it.
	giveUpAfter  = 24 * time.Hour
	firstRetry   = 500 * time.Millisecond
	longestRetry = 2 * time.Minute
)

// sender works on the outbox: a job sends what there is for one target.
type sender struct {
	river.WorkerDefaults[statusArgs]
	*server

	mu   sync.Mutex
	hold time.Time // the host asked for quiet until then, which goes for every target
}

// Timeout ends a job before its claim on the target does, so that two never post for one.
func (w *sender) Timeout(*river.Job[statusArgs]) time.Duration { return claimTime - postTimeout }

// Work sends what is to be sent for a target. Who finds it claimed leaves at once: the holder looks for
// new statuses before it lets go.
func (w *sender) Work(ctx context.Context, job *river.Job[statusArgs]) error {
	if wait := w.held(); wait > 0 {
		return river.JobSnooze(wait)
	}
	t, send, err := w.claimTarget(ctx, job.Args.Target)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil // its repository was purged
	}
	if err != nil {
		return fmt.Errorf("claim the statuses of target %d: %w", job.Args.Target, err)
	}
	if wait := fromMicros(t.NotBefore).Sub(w.now()); wait > 0 {
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

// deliver sends one status after the other. After a failure it returns how long to wait.
func (w *sender) deliver(ctx context.Context, t *targetRow, send *statusRow) (wait time.Duration, err error) {
	for send != nil {
		result := w.attempt(ctx, t, send)
		// What became of a post is written even where the server is being stopped meanwhile.
		send, err = w.record(context.WithoutCancel(ctx), t, send, result)
		if err != nil || result.retry > 0 {
			return result.retry, err
		}
	}
	return 0, nil
}

// posted is what became of one attempt to send a status.
type posted struct {
	err     error
	refused bool          // for good
	unsure  bool          // it may have been accepted all the same
	retry   time.Duration // 0: none
}

// attempt posts r. Where an earlier post may have been accepted, it looks first.
func (w *sender) attempt(ctx context.Context, t *targetRow, r *statusRow) posted {
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	st := pipeline.CommitStatus{
		Repo: t.Repo, SHA: t.SHA, Context: w.work.StatusContext,
		State: r.State, Description: r.Description,
	}
	if w.work.TargetURL != nil {
		st.TargetURL = w.work.TargetURL(r.BuildID)
	}
	r.Context = st.Context
	if t.Unsure {
		there, err := w.work.Poster.Read(ctx, st.Repo, st.SHA, st.Context)
		if err != nil {
			return w.judge(*r, err, true)
		}
		if there.State == st.State && there.Description == st.Description && there.TargetURL == st.TargetURL {
			return posted{}
		}
	}
	return w.judge(*r, w.work.Poster.Post(ctx, st), false)
}

// judge decides what an error means for r. stillUnsure is for one that says nothing of a post.
func (w *sender) judge(r statusRow, err error, stillUnsure bool) posted {
	if err == nil {
		return posted{}
	}
	if _, ok := errors.AsType[*pipeline.UndeliverableError](err); ok {
		return posted{err: err, refused: true}
	}
	if w.now().Sub(fromMicros(r.QueuedAt)) > giveUpAfter {
		return posted{err: fmt.Errorf("given up after %s: %w", giveUpAfter, err), refused: true}
	}
	p := posted{err: err, unsure: true, retry: retryDelay(r.Attempts)}
	if re, ok := errors.AsType[*pipeline.RetryError](err); ok {
		p.unsure = re.Unsure || stillUnsure
		if wait := re.At.Sub(w.now()); wait > 0 {
			w.holdUntil(re.At)
			p.retry = wait + jitter(firstRetry)
		}
	}
	return p
}

// retryDelay is how long to wait after the failure that followed n earlier ones: twice as long each time, and
// up to half as long again, so that many targets do not come back at once.
func retryDelay(n int) time.Duration {
	d := longestRetry
	if n < 8 {
		d = min(firstRetry<<n, longestRetry)
	}
	return d + jitter(d/2)
}

func jitter(most time.Duration) time.Duration { return rand.N(most) + 1 }

func (w *sender) holdUntil(t time.Time) {
	locked(&w.mu, func() {
		if t.After(w.hold) {
			w.hold = t
		}
	})
}

// held is how long this server still leaves the host alone.
func (w *sender) held() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if wait := w.hold.Sub(w.now()); wait > 0 {
		return wait + jitter(firstRetry)
	}
	return 0
}
