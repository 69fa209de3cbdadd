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
)

// Poster sends commit statuses. Errors are *pipeline.RefusedError, *pipeline.RetryError, or others, which are retried.
type Poster interface {
	Post(ctx context.Context, st pipeline.CommitStatus) error
}

const (
	postTimeout = 20 * time.Second
	// giveUpAfter is how long a status is tried. By then nobody waits for it. What waits for a token is not tried.
	giveUpAfter = 24 * time.Hour
)

// sender works on the outbox: a job sends what there is for one target.
type sender struct {
	river.WorkerDefaults[statusArgs]
	*server
}

// Timeout ends a job before its claim on the target does, so that two never post for one.
func (w *sender) Timeout(*river.Job[statusArgs]) time.Duration { return claimTime - postTimeout }

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
		if err != nil || result.retry > 0 {
			return result.retry, err
		}
	}
	return t.wait, nil
}

// posted is what became of one attempt to send a status.
type posted struct {
	err    error
	code   int           // of a refusal; 0 for all else
	held   bool          // it was not tried
	plain  bool          // it is to be sent at once in plain words
	gone   bool          // given up
	unsure bool          // it may have been accepted all the same, or may yet be
	retry  time.Duration // 0: none
}

// attempt posts r, unless the gate is closed. healed says that the host takes a credential again that it had refused.
func (w *sender) attempt(ctx context.Context, t *targetRow, r *statusRow) (p posted, healed bool) {
	right, wait, why := w.gate.enter(w.credential(), w.now(), w.pace())
	if wait > 0 {
		p = posted{err: why, held: true, retry: wait + jitter(w.pace().firstTrouble)}
		if isDead(why) {
			p.code = http.StatusUnauthorized
		}
		if !r.ends() { // ends go first once the gate is open
			p.retry += w.pace().yield
		}
		return p, false
	}
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
	err := w.work.Poster.Post(ctx, st)
	wait, healed = w.gate.leave(right, err, w.now(), w.pace())
	p = judge(*r, err, w.now(), w.pace())
	if p.code == http.StatusUnauthorized {
		p.retry = wait + jitter(w.pace().firstTrouble)
	}
	return p, healed
}

// judge decides what an error means for r. The pause of a refused credential is the gate's to say.
func judge(r statusRow, err error, now time.Time, p pace) posted {
	if err == nil {
		return posted{}
	}
	var failing time.Duration
	if r.FailingSince > 0 {
		failing = now.Sub(fromMicros(r.FailingSince))
	}
	refused, isRefused := errors.AsType[*pipeline.RefusedError](err)
	switch {
	case isRefused && refused.Code == http.StatusUnauthorized:
		return posted{err: err, code: refused.Code}
	case isRefused && refused.Code == http.StatusUnprocessableEntity && !r.Plain:
		return posted{err: err, code: refused.Code, plain: true}
	case isRefused && !mayHeal(refused.Code):
		return posted{err: err, code: refused.Code, gone: true}
	case failing > giveUpAfter && isRefused:
		return posted{err: err, code: refused.Code, gone: true}
	case failing > giveUpAfter:
		return posted{err: err, gone: true}
	case isRefused:
		return posted{err: err, code: refused.Code, retry: p.afterRefusal(failing)}
	}
	later := posted{err: err, unsure: true, retry: p.afterTrouble(failing)}
	if re, ok := errors.AsType[*pipeline.RetryError](err); ok {
		later.unsure = re.Unsure
		if wait := re.At.Sub(now); wait > 0 {
			later.retry = wait + jitter(p.firstTrouble)
			if !r.ends() {
				later.retry += p.yield
			}
		}
	}
	return later
}

// mayHeal reports whether a status that was refused with this code may be taken as it is, once somebody has mended something.
func mayHeal(code int) bool {
	return code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusNotFound
}
