package pipeline

import (
	"context"
	"errors"
	"time"

	"vivarium/images"
	"vivarium/sandbox"
)

// startTimeout bounds the start of a sandbox, and the time that the engine has to list its images.
// Under emulation a start takes seconds.
const startTimeout = 2 * time.Minute

// errStalled says that a call of the engine took too long, though nothing of a build can delay that
// call.
var errStalled = errors.New("the engine did not do what it was asked to within 2 minutes")

// fault says who may be at fault when the sandbox or the engine failed a step.
type fault int

const (
	ofNobody fault = iota // nobody outside: the error is final
	ofEngine              // the engine: it may pass
	unclear               // the engine or the build
)

// engineFault says whose fault an error is that the command did not cause. away says that the
// engine does not answer now: then the engine is at fault, also when a sandbox was lost or the time
// was up.
func engineFault(err error, away bool) fault {
	var known *failure
	var lost *sandbox.LostError
	switch {
	case errors.As(err, &known), errors.Is(err, errLogLimit), errors.Is(err, sandbox.ErrNoImage),
		errors.Is(err, images.ErrNotFound):
		return ofNobody
	case errors.Is(err, errTimeout):
		if away {
			return ofEngine
		}
	case errors.As(err, &lost):
		switch {
		case !lost.Unclear():
		case away:
			return ofEngine
		default:
			return unclear
		}
	case errors.Is(err, sandbox.ErrUnexplained):
		if away {
			return ofEngine
		}
		return unclear
	case errors.Is(err, errStalled), sandbox.IsTrouble(err):
		return ofEngine
	}
	return ofNobody
}

// mayBeAway reports whether the fault behind an error depends on whether the engine answers.
func mayBeAway(err error) bool { return engineFault(err, true) != engineFault(err, false) }

// faultOf says whose fault an error is, and pings the engine where that depends on it.
func (a *attempt) faultOf(ctx context.Context, err error) fault {
	away := mayBeAway(err) && a.runner != nil && a.runner.Engine.Ping(ctx) != nil
	return engineFault(err, away)
}

// engineNote says what is wrong with the engine, in words that everybody may read.
func engineNote(err error) string {
	if sandbox.IsTrouble(err) {
		return "the Docker engine: " + sandbox.TroubleWords(err)
	}
	return "the Docker engine does not answer: " + err.Error()
}

// startBound bounds a call of the engine that nothing of the build can delay.
func startBound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, startTimeout, errStalled)
}

// resolve finds a runner image, within the time in which an engine must answer.
func (a *attempt) resolve(ctx context.Context, name string) (images.Image, error) {
	bounded, cancel := startBound(ctx)
	defer cancel()
	image, err := a.runner.Images.Resolve(bounded, name)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		err = errStalled
	}
	return image, err
}

// imageTrouble is the failure of a step that has no image. Trouble that the engine or a registry
// may mend by itself heals; an image that does not exist or cannot be made is final.
func imageTrouble(what string, err error) error {
	var pull *images.PullError
	switch {
	case errors.As(err, &pull) && !pull.Final:
		return failOutside(CauseImage, "%s: %v", what, err)
	case pull == nil && (errors.Is(err, errStalled) || sandbox.IsTrouble(err)):
		return failOutside(CauseEngine, "%s: %s", what, engineNote(err))
	}
	return fail(CauseImage, "%s: %v", what, err)
}
