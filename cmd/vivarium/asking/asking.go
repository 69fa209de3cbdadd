// Package asking is what the server asks GitHub for besides its builds, so that nothing is missed: ids
// of repositories, where branches are, and what could not be delivered.
package asking

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"vivarium/cmd/vivarium/identity"
	"vivarium/server/github"
	"vivarium/server/poll"
	"vivarium/server/redelivery"
	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/store/entries"
	"vivarium/server/store/outbox/budget"
	"vivarium/server/weigh"
)

// LetIn is what lets repositories in besides the registry.
type LetIn struct {
	Shared string   // GITHUB_WEBHOOK_SECRET
	For    []string // VIVARIUM_REPOSITORIES
}

// Rules say what is let in. They open nothing: the operator's key is not among them.
func (l LetIn) Rules(ctx context.Context, e *entries.Entries) (registry.Rules, error) {
	list, err := e.List(ctx)
	return registry.Rules{Entries: list, Shared: l.Shared, For: l.For}, err
}

// Asker asks.
type Asker struct {
	LetIn   LetIn
	Store   *store.Store
	Client  *github.Client
	Log     *slog.Logger
	Poll    time.Duration                  // how often where branches are; 0: never
	Tags    bool                           // tags are built
	HookURL string                         // where GitHub delivers to; empty: nothing is asked for again
	Budget  budget.Limits                  // of what is asked for again
	Account func(repository string) string // as outbox.Settings has it
}

// Run asks until ctx ends.
func (a Asker) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { identity.Learner{Entries: a.Store.Entries, Client: a.Client, Log: a.Log}.Run(ctx) })
	if a.Poll > 0 {
		all.Go(func() { a.poller().Run(ctx) })
	}
	if a.HookURL != "" {
		all.Go(func() { a.redeliverer().Run(ctx) })
	}
}

func (a Asker) poller() *poll.Poller {
	scale := weigh.Scale{FixedFor: a.Store.Entries.FixedFor, Tags: a.Tags, Log: a.Log}
	return &poll.Poller{
		Decide: scale.Of, Every: a.Poll, Host: github.Branches{Client: a.Client}, Log: a.Log,
		Store: poll.Rooms{Watched: a.Store.Watched, Polls: a.Store.Polls, Entries: a.Store.Entries},
		Repositories: func(ctx context.Context) ([]registry.Named, error) {
			rules, err := a.LetIn.Rules(ctx, a.Store.Entries)
			return rules.Exact(time.Now()), err
		},
	}
}

func (a Asker) redeliverer() *redelivery.Redeliverer {
	return &redelivery.Redeliverer{
		Host: github.Webhooks{Client: a.Client}, Store: a.Store.Watched, HookURL: a.HookURL, Log: a.Log, Now: time.Now,
		Repositories: func(ctx context.Context) ([]registry.Named, error) {
			rules, err := a.LetIn.Rules(ctx, a.Store.Entries)
			return append(rules.Exact(time.Now()), rules.Organizations()...), err
		},
		Spend: func(ctx context.Context, repo string) (time.Duration, error) {
			return a.Store.Outbox.Spend(ctx, a.Budget, a.Account(repo), budget.Extra)
		},
	}
}
