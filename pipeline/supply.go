package pipeline

import (
	"context"
	"errors"

	"vivarium/pipeline/python"
	"vivarium/pipeline/supply"
)

// openSupply opens where a step gets packages from.
func (a *attempt) openSupply(ctx context.Context, sources python.Sources) (*supply.Supply, error) {
	return supply.Open(ctx, a.sandbox, supply.Config{
		Index: a.runner.Index, Sources: sources, GitHosts: a.req.Settings.GitHosts, Disk: a.limits.Disk, Note: a.notes.Add,
	})
}

// withIndex runs what a step does, and has the package index open meanwhile where the repository asks
// for that. env has pip ask there. Repositories on git hosts stay shut.
func (a *attempt) withIndex(ctx context.Context, do func(env []string) (note string, err error)) (string, error) {
	if !a.plan.IndexOpen {
		return do(nil)
	}
	open, err := a.openSupply(ctx, python.Sources{Indexes: a.plan.Sources.Indexes})
	if err != nil {
		return "", err
	}
	note, err := do(open.Env)
	closed := open.Close()
	if t := open.Trouble(); t != nil && err != nil {
		a.notes.Add(t.Message) // which may be why; only who reads the log can tell
	}
	return note, errors.Join(err, closed, a.sayNotes(ctx))
}

// blameSupply returns what hosts outside did in place of err, where that is why pip failed. getting
// says that pip gave up over getting packages.
func blameSupply(err error, s *supply.Supply, getting bool) error {
	if f, where := s.Failure(); f != nil {
		return blameRepository(err, f, where)
	}
	return blameIndex(err, s.Trouble(), getting)
}
