package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"vivarium/server/checkrun"
	"vivarium/server/store/database"
	"vivarium/server/store/outbox/budget"
)

// Settings are what a Sender sends with.
type Settings struct {
	Log *slog.Logger
	// Reporter sends statuses; nil: none are sent. The rows stay unsent and are not tried; a Sender
	// that has a Reporter later sends those of them that are still the newest of their commit.
	Reporter Reporter
	// Checker makes check runs, of which CheckOf says what they tell of a build as it is now. nil: those
	// that are due wait.
	Checker Checker
	CheckOf func(ctx context.Context, build int64) (checkrun.Run, error)
	// Credential names what Reporter would authenticate with now, without giving it away; nil: it
	// never changes.
	Credential func() string
	// CredentialFor names, in the same way, what it would authenticate with for one repository, so that
	// one which is refused holds up no other's; nil: Credential, for all.
	CredentialFor func(repo string) string
	StatusContext string                   // of a push's builds; those of others begin with it
	TargetURL     func(build int64) string // empty string, or nil: none
	Pace          Pace                     // zero is UsualPace
	// Budget bounds what is sent; zero: nothing does, and several posts are under way at a time.
	Budget budget.Limits
	// Account names whose limits at the host a repository's reports count against; nil: one account
	// sends them all. What it gives is kept for an hour, and must not name the repository.
	Account func(repo string) string
	// Wake is called after each attempt to send a status of a build. nil: nobody waits for it.
	Wake func(build int64)
}

// Sender sends what an outbox holds, for one server.
type Sender struct {
	Settings
	db   *database.DB
	gate Gate // to the git host
	lane lanes

	credential string // that what was refused has been tried with; Start sets it, then only Look
}

// NewSender makes a sender. Start is called before the jobs of Register are worked.
func (o *Outbox) NewSender(c Settings) *Sender {
	if c.Credential == nil {
		c.Credential = func() string { return "" }
	}
	if c.CredentialFor == nil {
		c.CredentialFor = func(string) string { return c.Credential() }
	}
	if c.TargetURL == nil {
		c.TargetURL = func(int64) string { return "" }
	}
	if c.Pace == (Pace{}) {
		c.Pace = UsualPace
	}
	if c.Account == nil {
		c.Account = func(string) string { return "" }
	}
	if c.Wake == nil {
		c.Wake = func(int64) {}
	}
	return &Sender{Settings: c, db: o.db}
}

// Register has the outbox's jobs worked on.
func (s *Sender) Register(c *river.Config) {
	// Who sends nothing knows the kind too: River's leader drops the dead senders' jobs of a kind
	// that it does not know.
	river.AddWorker(c.Workers, &worker{Sender: s})
	if s.Reporter != nil {
		c.Queues[queue] = river.QueueConfig{MaxWorkers: workers}
	}
}

// worker works on the jobs: each sends what there is for one target.
type worker struct {
	river.WorkerDefaults[jobArgs]
	*Sender
}

// Timeout ends a job before its claim on the target does, so that two never post for one.
func (*worker) Timeout(*river.Job[jobArgs]) time.Duration { return claimTime - PostTimeout }

// Work sends what is to be sent for a target. Who finds it claimed leaves at once: the holder looks
// for new statuses before it lets go.
func (w *worker) Work(ctx context.Context, job *river.Job[jobArgs]) error {
	t, send, err := w.claim(ctx, job.Args.Target)
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
		// River keeps the words with the job: they name no repository, which may be purged
		// meanwhile.
		return fmt.Errorf("send the statuses of target %d: %w", t.ID, err)
	}
	if wait > 0 {
		return river.JobSnooze(wait)
	}
	return nil
}

// deliver sends one status after the other. It returns how long to wait, after a failure or for
// what is not due yet.
func (s *Sender) deliver(ctx context.Context, t *targetRow, send *statusRow) (wait time.Duration, err error) {
	for send != nil {
		result, healed := s.attempt(ctx, t, send)
		// What became of a post is written even where the server is being stopped meanwhile.
		ctx := context.WithoutCancel(ctx)
		send, err = s.record(ctx, t, send, result)
		if healed {
			s.Log.InfoContext(ctx, "the host takes the token again")
			err = errors.Join(err, s.retry(ctx, http.StatusUnauthorized))
		}
		if err != nil || result.Retry > 0 {
			return result.Retry, err
		}
	}
	return t.wait, nil
}

// attempt posts r, unless the gate is closed or the budget is used up. healed says that the host
// takes a credential again that it had refused.
func (s *Sender) attempt(ctx context.Context, t *targetRow, r *statusRow) (p Result, healed bool) {
	account := s.Account(t.Repo)
	if s.Budget != (budget.Limits{}) {
		leave, err := s.lane.enter(ctx, account)
		if err != nil {
			return s.held(r, s.Pace.FirstTrouble, err), false
		}
		defer leave()
	}
	right, wait, why := s.gate.Enter(s.CredentialFor(t.Repo), s.db.Now(), s.Pace)
	if wait == 0 {
		wait, why = (&Outbox{s.db}).Spend(ctx, s.Budget, account, r.class())
	}
	if wait > 0 {
		return s.held(r, wait, why), false
	}
	ctx, cancel := context.WithTimeout(ctx, PostTimeout)
	defer cancel()
	r.Context = under(s.StatusContext, t.Context)
	err := s.report(ctx, t, r)
	wait, healed = s.gate.Leave(right, err, s.db.Now(), s.Pace)
	p = Judge(r.tried(s.db.Now()), err, s.db.Now(), s.Pace)
	if p.Code == http.StatusUnauthorized {
		p.Retry = wait + Jitter(s.Pace.FirstTrouble)
	}
	return p, healed
}

// held says that r was not sent, and when to look again.
func (s *Sender) held(r *statusRow, wait time.Duration, why error) Result {
	p := Result{Err: why, Held: true, Retry: wait + Jitter(s.Pace.FirstTrouble)}
	if IsDead(why) {
		p.Code = http.StatusUnauthorized
	}
	if !r.ends() { // ends go first once the gate is open
		p.Retry += s.Pace.Yield
	}
	return p
}
