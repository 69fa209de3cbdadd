package main

import (
	"context"
	"time"

	"vivarium/cmd/vivarium/identity"
	"vivarium/server/github"
	"vivarium/server/poll"
	"vivarium/server/redelivery"
	"vivarium/server/registry"
	"vivarium/server/store/entries"
	"vivarium/server/store/outbox/budget"
	"vivarium/server/weigh"
)

// What GitHub is asked for besides the builds, so that nothing is missed.

// identify learns the ids of repositories until ctx ends.
func (s *daemon) identify(ctx context.Context, client *github.Client) {
	identity.Learner{Entries: s.store.Entries, Client: client, Log: s.log}.Run(ctx)
}

// poll looks where branches are until ctx ends, if the operator wants that.
func (s *daemon) poll(ctx context.Context, client *github.Client) {
	if s.config.poll == 0 {
		return
	}
	scale := weigh.Scale{FixedFor: s.store.Entries.FixedFor, Tags: s.config.tags, Log: s.log}
	p := poll.Poller{
		Decide: scale.Of,
		Every:  s.config.poll, Host: client, Log: s.log,
		Store:        poll.Rooms{Watched: s.store.Watched, Polls: s.store.Polls, Entries: s.store.Entries},
		Repositories: func(ctx context.Context) ([]registry.Named, error) { return s.config.named(ctx, s.store.Entries) },
	}
	p.Run(ctx)
}

// redeliver asks for deliveries that did not arrive until ctx ends, if there is a token to ask with
// and a webhook can be told by its address.
func (s *daemon) redeliver(ctx context.Context, client *github.Client) {
	if s.config.publicURL == nil || s.config.token == "" && !s.config.githubApp.IsSet() {
		return
	}
	r := redelivery.Redeliverer{
		Host: client, Store: s.store.Watched, HookURL: s.config.hookURL(), Log: s.log, Now: time.Now,
		Repositories: func(ctx context.Context) ([]registry.Named, error) {
			rules, err := s.config.rules(ctx, s.store.Entries)
			return append(rules.Exact(time.Now()), rules.Organizations()...), err
		},
		Spend: func(ctx context.Context, repo string) (time.Duration, error) {
			return s.store.Outbox.Spend(ctx, s.config.sendsAtMost(), s.tokens.Account(repo), budget.Extra)
		},
	}
	r.Run(ctx)
}

// hookURL is where GitHub delivers to; publicURL is set.
func (c config) hookURL() string { return c.publicURL.JoinPath("webhook").String() }

// named are the repositories that are let in and known by name.
func (c config) named(ctx context.Context, e *entries.Entries) ([]registry.Named, error) {
	rules, err := c.rules(ctx, e)
	return rules.Exact(time.Now()), err
}

// rules say what is let in. They open nothing: the key is not among them.
func (c config) rules(ctx context.Context, e *entries.Entries) (registry.Rules, error) {
	list, err := e.List(ctx)
	return registry.Rules{Entries: list, Shared: string(c.webhookSecret), For: c.repositories}, err
}
