// Package asked does what people ask for by the buttons of check runs.
package asked

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"vivarium/pipeline"
	"vivarium/server/checkrun"
	"vivarium/server/github/delivery"
	"vivarium/server/store"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
	"vivarium/server/store/queue"
)

// mostBuilds bounds how many builds of one commit are looked at.
const mostBuilds = 100

// Do does what was asked for of a repository's builds, once however often it is told, and says what
// came of it. Whoever sees the buttons on GitHub may write to the repository. build is a build that
// was queued; 0 where none was.
func Do(ctx context.Context, s *store.Store, repo string, a delivery.Asked) (words string, build int64, err error) {
	of, err := s.Builds.List(ctx, builds.Query{
		Sight: builds.Sight{All: true}, Repo: repo, SHA: a.SHA, Limit: mostBuilds,
	})
	if err != nil {
		return "", 0, err
	}
	by := people.Actor{Who: a.By + " on GitHub"}
	switch {
	case a.What == checkrun.Rerun:
		return rerun(ctx, s, by, again(of, a.Build))
	case a.What == checkrun.Cancel && has(of, a.Build):
		return cancel(ctx, s, by, a.Build)
	case a.What == checkrun.Cancel:
		return "there is no such build of this repository", 0, nil
	}
	return fmt.Sprintf("there is no button %.40q here", a.What), 0, nil
}

// again chooses the builds to repeat, given a commit's, newest first: of what was asked for, those that
// have ended and were not repeated since. of is a build, or 0 for all.
func again(all []pipeline.Build, of int64) (list []pipeline.Build) {
	seen := map[pipeline.Ref]bool{}
	for _, b := range all {
		if !seen[b.Ref] && b.State.Ended() && (of == 0 || of == b.ID) {
			list = append(list, b)
		}
		seen[b.Ref] = true
	}
	return list
}

func has(all []pipeline.Build, id int64) bool {
	return slices.ContainsFunc(all, func(b pipeline.Build) bool { return b.ID == id })
}

func rerun(ctx context.Context, s *store.Store, by people.Actor, list []pipeline.Build) (string, int64, error) {
	var words []string
	last := int64(0)
	for _, b := range list {
		id, err := s.Queue.Rerun(ctx, by, b.ID)
		if over, ok := errors.AsType[*queue.QuotaError](err); ok {
			words = append(words, fmt.Sprintf("build %d is not repeated: %v", b.ID, over))
			continue
		}
		if err != nil {
			return "", 0, err
		}
		last = id
		words = append(words, fmt.Sprintf("build %d is repeated as build %d", b.ID, id))
	}
	if len(words) == 0 {
		return "there is nothing to repeat: the builds asked for have not ended, or were repeated already", 0, nil
	}
	return strings.Join(words, "; "), last, nil
}

func cancel(ctx context.Context, s *store.Store, by people.Actor, id int64) (string, int64, error) {
	err := s.Queue.Cancel(ctx, by, id)
	switch {
	case errors.Is(err, builds.ErrEnded), errors.Is(err, database.ErrNotFound):
		return fmt.Sprintf("build %d has ended already", id), 0, nil
	case err != nil:
		return "", 0, err
	}
	return fmt.Sprintf("build %d is canceled", id), 0, nil
}
