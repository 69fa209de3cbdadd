package pipeline

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/containerd/errdefs"

	"vivarium/images"
	"vivarium/sandbox"
)

// TestOnlyWhatTheBuildCannotHaveCausedIsWaitedFor: a build that ends its own sandbox by memory, by
// the clock, by a forged session or in a way that nobody can explain is never taken for trouble of
// the engine, as long as the engine answers.
func TestOnlyWhatTheBuildCannotHaveCausedIsWaitedFor(t *testing.T) {
	in := func(err error) error { return &inCommand{fmt.Errorf("run command: %w", err), "prog"} }
	lost := func(l sandbox.LostError) error { return in(&l) }
	for name, c := range map[string]struct {
		err             error
		answers, silent fault // while the engine answers, and while it does not
	}{
		"the engine cut it":  {in(fmt.Errorf("%w: %w", sandbox.ErrCut, io.EOF)), ofEngine, ofEngine},
		"the engine failed":  {fmt.Errorf("create: %w", errdefs.ErrInternal), ofEngine, ofEngine},
		"the engine starts":  {fmt.Errorf("create: %w", errdefs.ErrUnavailable), ofEngine, ofEngine},
		"the engine stalled": {errStalled, ofEngine, ofEngine},
		"refused": {
			fmt.Errorf("no-such-runtime: %w", errdefs.ErrInvalidArgument),
			ofNobody,
			ofNobody,
		},
		"no image":                  {fmt.Errorf("start: %w", sandbox.ErrNoImage), ofNobody, ofNobody},
		"known":                     {fail(CauseTests, "x"), ofNobody, ofNobody},
		"too much output":           {in(errLogLimit), ofNobody, ofNobody},
		"out of time":               {in(errTimeout), ofNobody, ofEngine},
		"out of memory":             {lost(sandbox.LostError{OOMKilled: true, ExitCode: 137}), ofNobody, ofNobody},
		"at its deadline":           {lost(sandbox.LostError{Deadline: true, ExitCode: 124}), ofNobody, ofNobody},
		"forged":                    {lost(sandbox.LostError{Forged: true}), ofNobody, ofNobody},
		"PID 1 failed":              {lost(sandbox.LostError{ExitCode: 2, Stderr: "panic: x"}), ofNobody, ofNobody},
		"killed, nobody knows why":  {lost(sandbox.LostError{ExitCode: 137}), unclear, ofEngine},
		"its session ended":         {lost(sandbox.LostError{}), unclear, ofEngine},
		"broke, nobody knows why":   {in(fmt.Errorf("%w: %w", sandbox.ErrUnexplained, io.EOF)), unclear, ofEngine},
		"an answer that PID 1 made": {&sandbox.GuestError{Message: "no"}, ofNobody, ofNobody},
	} {
		if got := engineFault(c.err, false); got != c.answers {
			t.Errorf("%s, and the engine answers: got %d, want %d", name, got, c.answers)
		}
		if got := engineFault(c.err, true); got != c.silent {
			t.Errorf("%s, and the engine does not: got %d, want %d", name, got, c.silent)
		}
	}
}

func TestMissingImageIsWaitedForWhereARegistryMayMendIt(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		cause Cause
		heals bool
	}{
		"no such image": {fmt.Errorf("%w: x", images.ErrNotFound), CauseImage, false},
		"the registry is away": {
			fmt.Errorf("no base:\n%w", errors.Join(&images.PullError{Err: errors.New("connection refused")}, io.EOF)),
			CauseImage,
			true,
		},
		"the registry has none": {
			&images.PullError{Final: true, Err: errors.New("manifest unknown")},
			CauseImage,
			false,
		},
		"the engine does not say": {fmt.Errorf("inspect: %w", errdefs.ErrInternal), CauseEngine, true},
		"the engine stalled":      {errStalled, CauseEngine, true},
		"its tools do not fit":    {errors.New("the base lacks some of the tools"), CauseImage, false},
	} {
		var f *failure
		if err := imageTrouble("runner image x", c.err); !errors.As(err, &f) || f.cause != c.cause ||
			f.heals != c.heals {
			t.Errorf("%s: got %#v, want %s, heals %t", name, err, c.cause, c.heals)
		}
	}
}
