package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"vivarium/pipeline/ownfiles"
	"vivarium/sandbox"
)

// overlayDir is where the operator's own files are fetched to.
const overlayDir = "/tmp/overlay"

// fetchOverlay fetches the operator's own files, once in an attempt, into a sandbox in which nothing of
// the repository's is yet.
func (a *attempt) fetchOverlay(ctx context.Context) error {
	if !a.keeper.Wants() {
		return nil
	}
	from := a.req.Fixed.Overlay
	if err := a.say(ctx, "The operator's own files: "+from.String()); err != nil {
		return err
	}
	err := a.fetchCommit(ctx, a.req.Overlay, overlayDir)
	if err == nil {
		err = keepError(a.keeper.Take(ctx, a.sandbox, overlayDir))
	}
	var known *failure
	if errors.As(err, &known) {
		return &failure{known.cause, fmt.Sprintf("the operator's own files, %s: %s", from, known.note), known.heals}
	}
	if err != nil {
		return err
	}
	return a.remove(ctx, "/", []string{strings.TrimPrefix(overlayDir, "/")})
}

// lay puts the operator's own files into the fresh checkout.
func (a *attempt) lay(ctx context.Context) error {
	return a.layError(ctx, a.keeper.Lay(ctx, a.sandbox, a.remove))
}

// layAgain puts them back before a command that runs tests: what was installed, linted or tested before
// could change the tree. Where it cannot be put right, the tests are not run.
func (a *attempt) layAgain(ctx context.Context, remove ownfiles.Remove) error {
	return a.layError(ctx, a.keeper.LayAgain(ctx, a.sandbox, remove))
}

// layError says what it means that the files could not be put into the checkout.
func (a *attempt) layError(ctx context.Context, err error) error {
	var refused *sandbox.GuestError
	if errors.As(err, &refused) {
		return a.putError(ctx, err)
	}
	return keepError(err)
}

// keepError gives an error of the keeper's its cause.
func keepError(err error) error {
	var tampered *ownfiles.TamperedError
	var files *ownfiles.FilesError
	switch {
	case errors.As(err, &tampered):
		return fail(CauseTests, "%v", err)
	case errors.As(err, &files):
		return fail(CauseClone, "%v", err)
	}
	return err
}

// remove removes paths below dir. What cannot be removed is found by whoever looks again.
func (a *attempt) remove(ctx context.Context, dir string, paths []string) error {
	return a.removeBy(ctx, command{}, dir, paths)
}

// removeBy removes by commands that are like c in whether they only try again, and for how long.
func (a *attempt) removeBy(ctx context.Context, c command, dir string, paths []string) error {
	for _, r := range ownfiles.Removals(dir, paths) {
		rm := command{Command: r.Command, name: "rm", echo: r.Shown, again: c.again}
		rm.Timeout = c.Timeout
		if _, err := a.run(ctx, rm); err != nil {
			return err
		}
	}
	return nil
}
