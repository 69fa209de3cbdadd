package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/python"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/termtext"
	"vivarium/sandbox"
)

// lintOn goes on with the lint step in its place, by lint commands that the plan has besides the
// contract's: they may need what was installed since.
func (a *attempt) lintOn(ctx context.Context) error {
	begun, done := a.linted.started, *a.linted.ended
	begun.StartedAt = time.Now().Add(-done.EndedAt.Sub(done.StartedAt)) // without the installation's time
	if err := a.linted.playOn(ctx, a.rec); err != nil {
		return recorderError{err}
	}
	a.steps = slices.DeleteFunc(a.steps, func(s Step) bool { return s.Name == StepLint })
	a.step = done
	a.step.StartedAt = begun.StartedAt
	note, err := a.ownLint(ctx)
	var known *failure
	if done.Cause != "" && (err == nil || errors.As(err, &known)) {
		err = fail(done.Cause, "%s", done.Note)
	}
	return a.finish(ctx, StepLint, strings.Trim(done.Note+"; "+note, "; "), err)
}

// ownLint runs the commands, each of which is judged by its exit code.
func (a *attempt) ownLint(ctx context.Context) (string, error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	ctx, cancel := a.bound(ctx)
	defer cancel()
	return a.withIndex(ctx, func(env []string) (string, error) {
		return a.all(a.plan.OwnLint, func(c checkout.Command) (string, error) { return a.ownLinter(ctx, c, env) })
	})
}

func (a *attempt) ownLinter(ctx context.Context, planned checkout.Command, env []string) (string, error) {
	found := findings.Flake8{Dir: planned.Dir} // many linters write as flake8 does
	line := termtext.Line(python.Line(planned))
	c := command{
		Command: inCheckout(planned, slices.Concat(env, envSettings)),
		name:    line[:min(len(line), maxName)],
		echo:    line,
		tap: func(stream sandbox.Stream, p []byte) {
			if stream == sandbox.Stdout {
				found.Write(p)
			}
		},
	}
	r, err := a.run(ctx, c)
	if err != nil {
		return "", err
	}
	said := ""
	if !r.Success() {
		said = a.said(found.List(), 0, "")
	}
	cause, note := stepCause(StepLint, c.name, r, a.limits, said)
	if cause != "" {
		return "", fail(cause, "%s", note)
	}
	return note, nil
}

// maxName bounds how much of a command line stands in a sentence, in bytes.
const maxName = 80
