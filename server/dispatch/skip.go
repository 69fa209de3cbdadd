package dispatch

import (
	"context"
	"fmt"
	"slices"

	"vivarium/pipeline"
	"vivarium/pipeline/wanted"
	"vivarium/server/store/builds"
	"vivarium/server/verdict"
)

// skip is what decides whether b may be left out by its repository's own wish; nil: it is built. What
// somebody asked for is built, and so is a pull request's head. So is a commit that was built before,
// on another branch: the green status of a build that was left out would hide what it came to.
func (d *Dispatcher) skip(ctx context.Context, b pipeline.Build) (*wanted.Asker, error) {
	pushed := b.Trigger == pipeline.TriggerPush || b.Trigger == pipeline.TriggerPoll
	if !pushed || b.RerunOf != 0 || b.Pull != 0 || b.Ref.Kind() != pipeline.RefBranch {
		return nil, nil
	}
	same, err := d.of(ctx, b.Repo, b.SHA)
	if err != nil {
		return nil, err
	}
	another := func(o pipeline.Build) bool { return o.ID != b.ID && o.State != pipeline.Skipped }
	if slices.ContainsFunc(same, another) {
		return nil, nil
	}
	s := &wanted.Asker{Branch: b.Ref.Short(), Asked: func(ctx context.Context) bool {
		now, err := d.Builds.Builds.Get(ctx, b.ID) // its pull request's delivery comes beside that of the push
		return err != nil || now.Pull != 0
	}}
	if b.Before == "" || d.Compare == nil {
		return s, nil
	}
	earlier, err := d.of(ctx, b.Repo, b.Before)
	if err != nil || !verdict.Passed(verdict.Standing(earlier)) {
		return s, err
	}
	s.Before = b.Before
	s.Changed = func(ctx context.Context) []string {
		files, err := d.Compare(ctx, b.Repo.FullName, b.Before, b.SHA)
		if err != nil && d.Log != nil {
			d.Log.WarnContext(ctx, "cannot tell which files a push changed, so it is built", "build", b.ID, "err", err)
		}
		return files
	}
	return s, nil
}

// of are the builds of a commit, in the order of their ids; a fork's are none of the repository's own.
func (d *Dispatcher) of(ctx context.Context, repo pipeline.Repository, sha string) ([]pipeline.Build, error) {
	list, err := d.Builds.Builds.List(ctx,
		builds.Query{Sight: builds.Sight{All: true}, Repo: repo.FullName, SHA: sha, Limit: history})
	if err != nil {
		return nil, fmt.Errorf("find the builds of %s at %.7s: %w", repo.FullName, sha, err)
	}
	slices.Reverse(list)
	return slices.DeleteFunc(list, func(b pipeline.Build) bool { return b.Fork }), nil
}
