package pipeline

import (
	"context"
	"errors"
	"time"

	"vivarium/images"
	"vivarium/sandbox"
)

// startTimeout bounds the start of a sandbox, and how long the engine may take to say which images it has. Under emulation a
// start takes seconds.
const startTimeout = 2 * time.Minute

// errStalled is why a call of the engine was given up that nothing of a build can hold up.
var errStalled = errors.New("the engine did not do what it was asked to within 2 minutes")

// fault is who may be at fault where the sandbox or the engine failed a step.
type fault int

const (
	ofNobody fault = iota // what err says is final
	ofEngine              // it may pass
	unclear               // the engine or the build
)

// judgeEngine decides about an error that is none of a command's doing. away says that the engine does not answer now: then it
// is the engine, also where a sandbox was lost or a time was up.
func judgeEngine(err error, away bool) fault {
	var known *failure
	var lost *sandbox.LostError
	switch {
	case errors.As(err, &known), errors.Is(err, errLogLimit), errors.Is(err, sandbox.ErrNoImage), errors.Is(err, images.ErrNotFound):
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

// mayBeAway reports whether it matters for an error whether the engine answers.
func mayBeAway(err error) bool { return judgeEngine(err, true) != judgeEngine(err, false) }

// faultOf asks the engine where that matters.
func (a *attempt) faultOf(ctx context.Context, err error) fault {
	away := mayBeAway(err) && a.runner != nil && a.runner.Engine.Ping(ctx) != nil
	return judgeEngine(err, away)
}

// engineNote says what is wrong with the engine, for everybody.
func engineNote(err error) string {
	if sandbox.IsTrouble(err) {
		return "the Docker engine: " + sandbox.TroubleWords(err)
	}
	return "the Docker engine does not answer: " + err.Error()
}

// startBound bounds a call of the engine that nothing of the build can hold up.
func startBound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, startTimeout, errStalled)
}

// resolve finds a runner image, for as long as an engine may take that answers.
func (a *attempt) resolve(ctx context.Context, name string) (images.Image, error) {
	bounded, cancel := startBound(ctx)
	defer cancel()
	image, err := a.runner.Images.Resolve(bounded, name)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		err = errStalled
	}
	return image, err
}

// imageTrouble is the failure of a step that has no image: what the engine or a registry may mend by itself heals, and an image
// that does not exist or cannot be made is final.
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
