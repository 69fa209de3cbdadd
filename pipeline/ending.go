package pipeline

import (
	"context"
	"errors"
	"fmt"

	"vivarium/pipeline/limits"
	"vivarium/pipeline/termtext"
	"vivarium/sandbox"
)

// errTimeout ends what still runs on the server's side when the build's deadline comes.
var errTimeout = errors.New("the build's time is up")

// errLogLimit ends a command that has written too much.
var errLogLimit = errors.New("the build has written too much")

// inCommand is an error of running a command, with the command's short name.
type inCommand struct {
	error
	name string
}

func (e *inCommand) Unwrap() error { return e.error }

// failure says why a step is not green, where the cause is known.
type failure struct {
	cause Cause
	note  string // one line, with the figure
	heals bool   // as Outcome.Heals
}

func (f *failure) Error() string { return f.note }

func fail(cause Cause, format string, args ...any) error {
	return &failure{cause: cause, note: termtext.Line(fmt.Sprintf(format, args...))}
}

// failOutside is fail for trouble outside that may pass.
func failOutside(cause Cause, format string, args ...any) error {
	return &failure{cause: cause, note: termtext.Line(fmt.Sprintf(format, args...)), heals: true}
}

// recorderError tells the recorder's errors from those of the build.
type recorderError struct{ error }

func (e recorderError) Unwrap() error { return e.error }

// ending is how a step ended.
type ending struct {
	cause   Cause
	note    string
	nothing bool // there was nothing to do
	over    bool // no further step can or should run
	heals   bool // as Outcome.Heals
	unclear bool // as Outcome.Unclear
}

func (e ending) state() StepState {
	switch {
	case e.nothing, e.cause.State() == Skipped:
		return StepSkipped
	case e.cause == "":
		return StepPassed
	case e.cause.State() == Failed:
		return StepFailed
	}
	return StepErrored
}

// explain turns the error that a step returned into the step's ending. Its own error abandons the
// attempt.
func (a *attempt) explain(ctx context.Context, name StepName, err error) (ending, error) {
	var recorder recorderError
	switch {
	case err == nil:
		return ending{}, nil
	case errors.Is(err, errNothing):
		return ending{nothing: true}, nil
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), ErrCanceled):
		return ending{cause: CauseCanceled, note: "canceled during " + string(name), over: true}, nil
	case ctx.Err() != nil:
		return ending{}, context.Cause(ctx)
	case errors.As(err, &recorder):
		return ending{}, recorder.error
	}
	cause, note := causeOf(err, a.limits)
	end := ending{cause: cause, note: note, over: true}
	var known *failure
	end.heals = errors.As(err, &known) && known.heals
	switch a.faultOf(ctx, err) {
	case ofEngine:
		end.cause, end.note, end.heals = CauseEngine, termtext.Line(engineNote(err)), true
	case unclear:
		end.unclear = true
	}
	if name == StepLint && known != nil && end.cause != CauseTimeout {
		end.over = false // the tests run and are reported too
	}
	return end, nil
}

// causeOf finds the cause in a step's error.
func causeOf(err error, l limits.Limits) (Cause, string) {
	var known *failure
	var lost *sandbox.LostError
	var command *inCommand
	where := ""
	if errors.As(err, &command) {
		where = fmt.Sprintf(", in `%s`", command.name)
	}
	switch {
	case errors.As(err, &known):
		return known.cause, known.note
	case errors.Is(err, errTimeout):
		return CauseTimeout, l.TimedOut() + where
	case errors.Is(err, errLogLimit):
		return CauseLogLimit, l.TooMuchOutput() + where
	case errors.As(err, &lost) && lost.OOMKilled:
		return CauseOutOfMemory, l.OutOfMemory() + where
	case errors.As(err, &lost) && lost.Deadline:
		return CauseTimeout, l.TimedOut() + where
	case errors.Is(err, sandbox.ErrNoImage):
		return CauseImage, termtext.Line(err.Error())
	}
	return CauseEngine, termtext.Line(err.Error())
}
