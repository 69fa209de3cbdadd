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
func (a *attempt) tryAgain(ctx context.Context, run *testRun, watch *tester.Watch, anew func() command) error {
	planned, red := watch.Planned(), watch.Red()
	most := retry.Time(run.result.Wall, time.Until(a.deadline)).Round(time.Second)
	if a.req.Settings.NoRetries || !run.Results.Done || run.Results.Summary.Tampered || run.Results.Stopped != "" ||
		len(retry.Choose(planned, red)) == 0 || most <= 0 {
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
	// What the tries report has bounds, but takes no room from what the log shows.
	defer func(written int64) { a.written = written }(a.written)
	if err := retry.Again(ctx, planned, red, time.Now().Add(most), once, tell); err != nil {
		return err
	}
	run.Found = tester.Red(red)
	run.Found.Total = run.Results.Summary.Red()
	cause, _ := strike(run.result, a.limits)
	run.forgiven = a.req.Settings.FlakyPasses && cause == "" && run.result.Signal == "" && !run.result.TestHung &&
		run.Results.Summary.NotReached == 0 && len(red) == run.Results.Summary.Red() && retry.OnlyFlaky(red)
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
	quietly := func(ctx context.Context, dir string, paths []string) error { return a.removeBy(ctx, c, dir, paths) }
	if a.layAgain(ctx, quietly) != nil {
		return retry.Nothing
	}
	if _, err := a.run(ctx, c); err != nil || !parser.Run().Done {
		return retry.Nothing
	}
	return seen
}
