package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"vivarium/server/github"
)

const (
	// identifyEvery is how soon after its first delivery GitHub is asked for a repository's ID. The
	// ID serves to follow a renaming, which nobody does within minutes.
	identifyEvery = 2 * time.Minute
	// identifyMost bounds the requests of one round: GitHub allows 5000 an hour with a token, and
	// 60 without.
	identifyMost = 10
)

// identify asks GitHub, until ctx ends, for the IDs of the repositories that deliver. The payload's
// own ID does not count: whoever holds one repository's secret could claim another's ID, and follow
// its name by it.
func (s *daemon) identify(ctx context.Context, client *github.Client) error {
	tick := time.NewTicker(identifyEvery)
	defer tick.Stop()
	for last := ""; ; {
		last = s.identifySome(ctx, client, last)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// identifySome asks for the IDs of some repositories, those whose names follow after. It returns
// the last name that it asked for, so that a repository that GitHub does not tell does not hold up
// the others; an empty name when none was left.
func (s *daemon) identifySome(ctx context.Context, client *github.Client, after string) (last string) {
	names, err := s.store.Entries.Unidentified(ctx, after, identifyMost)
	if err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "repositories without an id not found", "err", err)
	}
	for _, name := range names {
		last = name
		id, err := client.IDOf(ctx, name)
		if refused, ok := errors.AsType[*github.APIError](err); ok && refused.Code == http.StatusUnauthorized {
			break // a token that does not work is not tried again and again
		}
		if err != nil {
			continue
		}
		if err = s.store.Entries.LearnID(ctx, name, id); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "id of a repository not kept", "repo", name, "err", err)
		}
	}
	return last
}
