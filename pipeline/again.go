package pipeline

import (
	"context"
	"fmt"
	"time"

	"vivarium/pipeline/python/reporter"
	"vivarium/pipeline/results"
	"vivarium/pipeline/retry"
	"vivarium/pipeline/tester"
	"vivarium/sandbox"
	"vivarium/sandbox/quantity"
)

// tryAgain tries the red tests of a run again, while time is left, and adds to its results what that
// showed. anew makes the run's command. What it prints is not shown: it is the same again. A run
// that did not come to its end is not tried again, since nobody knows what it was about to do.
func (a *attempt) tryAgain(ctx context.Context, run *testRun, anew func() command) error {
	most := retry.Time(run.result.Wall, time.Until(a.deadline)).Round(time.Second)
	if a.req.Settings.NoRetries || !run.Results.Done || run.Results.Summary.Tampered || run.Results.Stopped != "" ||
		len(retry.Choose(run.Planned, run.Red)) == 0 || most <= 0 {
		return nil
	}
	if err := a.say(ctx, fmt.Sprintf("Trying again what failed, for %s at most", quantity.Duration(most))); err != nil {
		return err
	}
	once := func(ctx context.Context, places, id string, most time.Duration) retry.Seen {
		return a.tryOnce(ctx, anew(), results.Parser{Root: sandbox.Workspace, Below: run.below}, places, id, most)
	}
	tell := func(tests []results.Test) error {
		words := tests[0].Tried()
		if words == "" {
			words = "fails again alone"
		}
		if err := a.say(ctx, tests[0].ID+": "+words); err != nil {
			return err
		}
		return a.recordTests(ctx, tests)
	}
	if err := retry.Again(ctx, run.Planned, run.Red, time.Now().Add(most), once, tell); err != nil {
		return err
	}
	run.Found = tester.Red(run.Red)
	run.Found.Total = run.Results.Summary.Red()
	cause, _ := strike(run.result, a.limits)
	run.forgiven = a.req.Settings.FlakyPasses && cause == "" && run.result.Signal == "" && !run.result.TestHung &&
		run.Results.Summary.NotReached == 0 && len(run.Red) == run.Results.Summary.Red() && retry.OnlyFlaky(run.Red)
	return nil
}

// tryOnce runs the tests at some places. The test has failed before, and stays so whatever goes wrong
// here.
func (a *attempt) tryOnce(
	ctx context.Context, c command, parser results.Parser, places, id string, most time.Duration,
) retry.Seen {
	seen := retry.Nothing
	c.Env = append(c.Env, reporter.Selected+"="+places)
	c.again, c.Timeout = true, most
	c.report = func(_ context.Context, p []byte) error {
		for _, r := range parser.Write(p) {
			if r.ID == id {
				seen = max(seen, retry.Of(r.Outcome))
			}
		}
		return nil
	}
	if a.layAgain(ctx) != nil {
		return retry.Nothing
	}
	if _, err := a.run(ctx, c); err != nil || !parser.Run().Done {
		return retry.Nothing
	}
	return seen
}
