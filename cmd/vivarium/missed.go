package main

import (
	"context"
	"time"

	"vivarium/server/github"
	"vivarium/server/poll"
	"vivarium/server/registry"
	"vivarium/server/store/entries"
)

// What GitHub is asked for besides the builds, so that nothing is missed.

// poll looks where branches are until ctx ends, if the operator wants that.
func (s *daemon) poll(ctx context.Context, client *github.Client) {
	if s.config.poll == 0 {
		return
	}
	p := poll.Poller{
		Every: s.config.poll, Host: client, Log: s.log,
		Store:        poll.Rooms{Watched: s.store.Watched, Polls: s.store.Polls, Entries: s.store.Entries},
		Repositories: func(ctx context.Context) ([]registry.Named, error) { return s.config.named(ctx, s.store.Entries) },
	}
	p.Run(ctx)
}

// named are the repositories that are let in and known by name.
func (c config) named(ctx context.Context, e *entries.Entries) ([]registry.Named, error) {
	list, err := e.List(ctx)
	rules := registry.Rules{Entries: list, Shared: string(c.webhookSecret), For: c.repositories}
	return rules.Exact(time.Now()), err
}
