package pipeline

import (
	"context"
	"errors"
	"testing"
	"unicode/utf8"

	"vivarium/pipeline/python"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/results"
)

// firstStep is a recorder that ends the attempt when its first step begins.
type firstStep struct{ step Step }

var errSeen = errors.New("seen")

func (f *firstStep) StepStarted(_ context.Context, s Step) error {
	f.step = s
	return errSeen
}

func (f *firstStep) Output(context.Context, StepName, Stream, []byte) error { return nil }
func (f *firstStep) StepEnded(context.Context, Step) error                  { return nil }

func (f *firstStep) Tests(context.Context, StepName, []results.Test) error { return nil }

func TestCommandOfAStepIsText(t *testing.T) {
	var rec firstStep
	a := newAttempt(&Runner{}, Request{}, &rec)
	a.plan = python.Plan{Lint: []checkout.Command{{Argv: []string{"flake8", "--exclude=caf\xe9,\x1b[2J"}}}}
	if err := a.runStep(t.Context(), StepLint); !errors.Is(err, errSeen) {
		t.Fatal(err)
	}
	if got, want := rec.step.Command, "flake8 '--exclude=caf\uFFFD,\uFFFD[2J'"; got != want || !utf8.ValidString(got) {
		t.Errorf("got %q, want %q", got, want)
	}
}
