package pipeline

import (
	"context"
	"errors"

	"vivarium/sandbox"
)

// start starts a sandbox from the attempt's image.
func (a *attempt) start(ctx context.Context) error {
	ctx, cancel := startBound(ctx)
	defer cancel()
	s, err := a.runner.Engine.Start(ctx, sandbox.Spec{
		Image:    a.image.ID,
		Instance: a.runner.Instance,
		Deadline: a.deadline.Add(grace),
		Runtime:  a.req.Settings.Runtime,
		Limits:   a.req.Settings.Limits.Limits,
	})
	if errors.Is(err, errTimeout) {
		return errStalled // nothing of the build has run yet, so the build did not use up the time
	}
	if err != nil {
		return err
	}
	a.sandbox = s
	return nil
}

// findImageAgain finds the image that has replaced the attempt's since it was resolved.
func (a *attempt) findImageAgain(ctx context.Context) (err error) {
	name := a.image.Name
	if a.image, err = a.resolve(ctx, name); err != nil {
		return imageTrouble("runner image "+name, err)
	}
	return nil
}

// leaveSandbox does not wait until the container is gone, which takes the engine another 0.1 s: the
// build's result is already known.
func (a *attempt) leaveSandbox() {
	if a.sandbox != nil {
		a.sandbox.Release()
	}
	a.sandbox = nil
}
