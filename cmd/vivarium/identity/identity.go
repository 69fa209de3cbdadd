// Package identity learns from GitHub the ids of the repositories that deliver.
package identity

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"vivarium/server/github"
	"vivarium/server/store/entries"
)

const (
	// every is how soon after its first delivery GitHub is asked for a repository's ID. The ID
	// serves to follow a renaming, which nobody does within minutes.
	every = 2 * time.Minute
	// most bounds the requests of one round: GitHub allows 5000 an hour with a token, and 60
	// without.
	most = 10
)

// Learner asks for IDs. The payload's own ID does not count: whoever holds one repository's secret
// could claim another's ID, and follow its name by it.
type Learner struct {
	Entries *entries.Entries
	Client  *github.Client
	Log     *slog.Logger
}

// Run asks until ctx ends.
func (l Learner) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for last := ""; ; {
		last = l.some(ctx, last)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// some asks for the IDs of some repositories, those whose names follow after. It returns the last
// name that it asked for, so that a repository that GitHub does not tell does not hold up the
// others; an empty name when none was left.
func (l Learner) some(ctx context.Context, after string) (last string) {
	names, err := l.Entries.Unidentified(ctx, after, most)
	if err != nil && ctx.Err() == nil {
		l.Log.WarnContext(ctx, "repositories without an id not found", "err", err)
	}
	for _, name := range names {
		last = name
		id, err := l.Client.IDOf(ctx, name)
		if refused, ok := errors.AsType[*github.APIError](err); ok && refused.Code == http.StatusUnauthorized {
			break // a token that does not work is not tried again and again
		}
		if err != nil {
			continue
		}
		if err = l.Entries.LearnID(ctx, name, id); err != nil && ctx.Err() == nil {
			l.Log.WarnContext(ctx, "id of a repository not kept", "repo", name, "err", err)
		}
	}
	return last
}
