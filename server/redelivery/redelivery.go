package redelivery

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"vivarium/server/github"
	"vivarium/server/registry"
)

const (
	// usual is how often deliveries are listed.
	usual = 5 * time.Minute
	// soon is how often while GitHub did not answer, or something is left to be asked for.
	soon = 30 * time.Second
	// unmanaged is how often it is found out whether the token may manage a repository's webhooks
	// now, and whether there is one.
	unmanaged = time.Hour
)

// Host is GitHub, as far as it is asked.
type Host interface {
	HookFor(ctx context.Context, repo, hookURL string) (id int64, err error) // 0: there is none
	Deliveries(ctx context.Context, repo string, hook int64, since time.Time) ([]github.Delivered, error)
	Redeliver(ctx context.Context, repo string, hook, attempt int64) error
}

// Store keeps until when deliveries are known to have come; the zero time: not known.
type Store interface {
	DeliveriesSince(ctx context.Context, repo string) (time.Time, error)
	DeliveriesUntil(ctx context.Context, repo string, until time.Time) error
}

// Redeliverer asks for deliveries again.
type Redeliverer struct {
	Host    Host
	Store   Store
	HookURL string // as GitHub has it
	// Repositories are those that are let in, and organizations whose hook lets repositories in.
	Repositories func(ctx context.Context) ([]registry.Named, error)
	// Spend takes one request out of the budget for a repository, or says how long to wait.
	Spend func(ctx context.Context, repo string) (wait time.Duration, why error)
	Log   *slog.Logger
	Now   func() time.Time

	hooks map[string]hook // by repository in lower case
}

// hook is a repository's webhook for this server.
type hook struct {
	id   int64     // 0: there is none, or the token may not see it
	seen time.Time // when GitHub said so
}

// Run asks until ctx ends: at once, then every few minutes, and sooner where something is left.
func (r *Redeliverer) Run(ctx context.Context) {
	for {
		wait := usual
		if !r.Round(ctx) {
			wait = soon
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// Round looks at each repository's deliveries once. It reports whether it came to its end, with
// nothing left that is due. Where GitHub does not answer, or wants to be left alone, it ends.
func (r *Redeliverer) Round(ctx context.Context) (whole bool) {
	list, err := r.Repositories(ctx)
	if r.hooks == nil {
		r.hooks = map[string]hook{}
	}
	for _, one := range list {
		if err == nil {
			err = r.one(ctx, one)
		}
	}
	if err != nil && ctx.Err() == nil {
		r.Log.WarnContext(ctx, "deliveries that did not arrive are not all asked for", "err", err)
	}
	return err == nil
}

// one asks again for what did not arrive of one repository's deliveries.
func (r *Redeliverer) one(ctx context.Context, n registry.Named) error {
	id, err := r.hookOf(ctx, n.Name)
	if err != nil || id == 0 {
		return err
	}
	now := r.Now()
	known, err := r.Store.DeliveriesSince(ctx, n.Name)
	if err != nil {
		return err
	}
	if known.IsZero() && !n.Entry.DeliveryAt.IsZero() {
		known = n.Entry.DeliveryAt.Add(-underWay) // GitHub tells times to the second
	}
	if known.IsZero() { // what came before the first look was not meant for this server
		return r.Store.DeliveriesUntil(ctx, n.Name, now.Add(-underWay))
	}
	list, err := r.Host.Deliveries(ctx, n.Name, id, From(known, now))
	if github.IsRefused(err, http.StatusNotFound, http.StatusForbidden) {
		delete(r.hooks, strings.ToLower(n.Name))
		return nil
	}
	if err != nil {
		return err
	}
	again, until := Decide(attemptsOf(list), now)
	for _, a := range again {
		if err := r.ask(ctx, n.Name, id, a); err != nil {
			return err
		}
	}
	return r.Store.DeliveriesUntil(ctx, n.Name, until)
}

// ask has an attempt repeated.
func (r *Redeliverer) ask(ctx context.Context, repo string, hook int64, a Attempt) error {
	if _, why := r.Spend(ctx, repo); why != nil {
		return why
	}
	err := r.Host.Redeliver(ctx, repo, hook, a.ID)
	if github.IsRefused(err, http.StatusNotFound, http.StatusUnprocessableEntity) {
		return nil // GitHub keeps it no longer
	}
	if err == nil {
		r.Log.InfoContext(ctx, "a delivery that did not arrive is asked for again", "repo", repo, "guid", a.GUID,
			"answered", a.Code)
	}
	return err
}

// hookOf is the repository's webhook for this server; 0: none that the token may see.
func (r *Redeliverer) hookOf(ctx context.Context, repo string) (int64, error) {
	key := strings.ToLower(repo)
	if h, ok := r.hooks[key]; ok && (h.id != 0 || r.Now().Sub(h.seen) < unmanaged) {
		return h.id, nil
	}
	id, err := r.Host.HookFor(ctx, repo, r.HookURL)
	if github.IsRefused(err, http.StatusNotFound, http.StatusForbidden, http.StatusUnauthorized) {
		id, err = 0, nil
	}
	if err == nil {
		r.hooks[key] = hook{id, r.Now()}
	}
	return id, err
}

// attemptsOf leaves out what nobody needs a second time.
func attemptsOf(list []github.Delivered) (attempts []Attempt) {
	for _, d := range list {
		if d.Event != "ping" {
			attempts = append(attempts, Attempt{ID: d.ID, GUID: d.GUID, At: d.At, OK: d.OK, Code: d.Code})
		}
	}
	return attempts
}
