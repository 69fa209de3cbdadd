package pipeline

import (
	"context"
	"errors"

	"vivarium/pipeline/environment"
	"vivarium/sandbox"
)

// installAndList installs, and then looks at what is installed: before any test could change it. An
// installation that failed is only a part, which is no environment.
func (a *attempt) installAndList(ctx context.Context) (string, error) {
	note, err := a.install(ctx)
	if err != nil && !errors.Is(err, errNothing) {
		return note, err
	}
	if failed := a.listPackages(ctx); failed != nil {
		return "", failed
	}
	return note, err
}

// listPackages lists the folder of packages, without running anything from it. Where the repository's
// own programs have made it unreadable, the packages are not known.
func (a *attempt) listPackages(ctx context.Context) error {
	ctx, cancel := a.bound(ctx)
	defer cancel()
	found, err := a.sandbox.Survey(ctx, sandbox.SurveyQuery{
		Dir:      sandbox.Env + "/" + environment.SitePackages(a.image.Python),
		MaxFiles: environment.MaxEntries,
		Depth:    1,
	})
	var refused *sandbox.GuestError
	if errors.As(err, &refused) {
		return nil
	}
	if err != nil {
		return err
	}
	var entries []string
	for _, f := range found.Files {
		entries = append(entries, f.Path)
	}
	a.ranWith.Packages, a.ranWith.Listed = environment.Installed(entries), !found.Truncated
	return nil
}

// environment is what the attempt runs with, as far as it has come.
func (a *attempt) environment() environment.Environment {
	e := a.ranWith
	e.Image = environment.Image{Name: a.image.Name, ID: a.image.ID, Python: a.image.Python}
	return e
}

// sinceGreen is a failure together with what changed since the last green build, where that may be
// the reason.
func (a *attempt) sinceGreen(cause Cause, failure string) string {
	src, ok := a.req.Source.(Git)
	if a.req.Green == nil || !ok || cause.State() != Failed {
		return failure
	}
	return environment.Compare(*a.req.Green, src.SHA, a.environment()).Sentence(failure)
}
