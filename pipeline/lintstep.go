package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/python"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/contract"
	"vivarium/pipeline/termtext"
	"vivarium/sandbox"
)

// lintAsCloned runs the lint step before anything of the repository has run: a setup.py could else
// rewrite what is looked at, and what an installation leaves behind is not its author's. The step
// is shown in its place, so that it is kept until then.
func (a *attempt) lintAsCloned(ctx context.Context) error {
	live, kept := a.rec, &tape{}
	a.rec = kept
	err := a.runStep(ctx, StepLint)
	a.rec, a.linted = live, kept
	return err
}

// lint runs flake8, which writes one line to stdout for each problem.
func (a *attempt) lint(ctx context.Context) (string, error) {
	ctx, cancel := a.bound(ctx)
	defer cancel()
	return a.all(a.plan.Lint, func(c checkout.Command) (string, error) { return a.flake8(ctx, c) })
}

// all runs every planned command, also after one that was not green: each has its own to say. The
// first that was not green is the step's end.
func (a *attempt) all(planned []checkout.Command, run func(checkout.Command) (string, error)) (string, error) {
	var remarks []string
	var first error
	for _, c := range planned {
		note, err := run(c)
		if failed := (*failure)(nil); err != nil && !errors.As(err, &failed) {
			return "", err
		}
		if first == nil {
			first = err
		}
		if note != "" {
			remarks = append(remarks, note)
		}
	}
	return strings.Join(remarks, "; "), first
}

func (a *attempt) flake8(ctx context.Context, planned checkout.Command) (string, error) {
	found := findings.Flake8{Dir: planned.Dir}
	var waived contract.Waivers
	problems := 0
	c := command{
		Command: inCheckout(planned, nil),
		name:    "flake8",
		echo:    termtext.Line(python.Line(planned)),
		tap: func(stream sandbox.Stream, p []byte) {
			if stream == sandbox.Stdout {
				problems += bytes.Count(p, []byte("\n"))
				found.Write(p)
			} else {
				waived.Write(p)
			}
		},
	}
	r, err := a.run(ctx, c)
	if err != nil {
		return "", err
	}
	said := ""
	if problems > 0 {
		said = a.said(found.List(), problems, fmt.Sprintf("flake8 wrote %d lines that name no place", problems))
	}
	cause, note := stepCause(StepLint, c.name, r, a.limits, said)
	if cause != "" {
		return "", fail(cause, "%s", note)
	}
	return strings.Trim(note+"; "+waived.String(), "; "), nil
}

// said keeps the findings with the step and returns a sentence about the first one; without any
// finding it returns otherwise.
func (a *attempt) said(l findings.List, total int, otherwise string) string {
	l.Total = max(l.Total, total)
	if len(a.step.Findings.Findings) == 0 { // those of the first command that found something
		a.step.Findings = l
	}
	if s := l.Sentence(0); s != "" {
		return s
	}
	return otherwise
}
