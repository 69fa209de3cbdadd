package pipeline

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"vivarium/pipeline/python"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/reporter"
	"vivarium/pipeline/results"
	"vivarium/pipeline/termtext"
	"vivarium/pipeline/tester"
	"vivarium/sandbox"
)

// testRun is what one run of tests came to. A plan may have very many: none keeps the names of its tests.
type testRun struct {
	by     tester.Program
	below  string // stands before the names of its tests
	result sandbox.Result
	limit  time.Duration // of one test
	tester.Told
	forgiven bool // all that is red is flaky, and the operator lets that pass
}

// test does every run of the plan, also after one that is red: each has its own tests.
func (a *attempt) test(ctx context.Context) (string, error) {
	if len(a.plan.Test) == 0 {
		return "", fail(CauseNoTests, "no tests: %s", a.plan.TestWhy)
	}
	ctx, cancel := a.bound(ctx)
	defer cancel()
	if err := a.say(ctx, "hash seed of Python: "+a.hashSeed()+"; `hash_seed` in [tool.vivarium] sets it"); err != nil {
		return "", err
	}
	return a.withIndex(ctx, func(env []string) (string, error) { return a.testAll(ctx, env) })
}

func (a *attempt) testAll(ctx context.Context, env []string) (string, error) {
	var runs []testRun
	for i, planned := range a.plan.Test {
		run, err := a.runTests(ctx, i, planned, env)
		if err != nil {
			return "", err
		}
		run.Found.Explain(&a.plan.Known)
		runs = append(runs, run)
		if cause, _ := strike(run.result, a.limits); cause != "" && !run.result.Success() {
			break
		}
	}
	cause, note, found := judgeRuns(runs, a.limits)
	a.step.Findings = found
	for _, run := range runs {
		a.step.Results = a.step.Results.Add(run.Results.Summary)
	}
	if cause != "" {
		return "", fail(cause, "%s", note)
	}
	return note, nil
}

func (a *attempt) runTests(ctx context.Context, number int, planned checkout.Command, env []string) (testRun, error) {
	if err := a.layAgain(ctx, a.remove); err != nil {
		return testRun{}, err
	}
	by := tester.Of(a.plan.TestProgram, planned)
	watch := by.Watch(number, planned)
	c := a.testCommand(by, planned, env)
	c.tap = func(_ sandbox.Stream, p []byte) { watch.Print(p) }
	c.report = func(ctx context.Context, p []byte) error { return a.recordTests(ctx, watch.Report(p)) }
	r, err := a.run(ctx, c)
	if err != nil {
		return testRun{}, err
	}
	run := testRun{by: by, below: planned.Below, result: r, limit: c.TestTimeout, Told: watch.Told(r)}
	err = a.tryAgain(ctx, &run, watch, func() command { return a.testCommand(by, planned, env) })
	return run, err
}

// testCommand is the command of a run, also when it is tried again.
func (a *attempt) testCommand(by tester.Program, planned checkout.Command, env []string) command {
	c := command{
		Command: inCheckout(planned, slices.Concat(env, envSettings)),
		name:    by.Command,
		echo:    termtext.Line(python.Line(planned)),
	}
	c.Env = append([]string{"PYTHONFAULTHANDLER=1", "PYTHONHASHSEED=" + a.hashSeed()}, c.Env...)
	c.Merged, c.Report, c.TestTimeout = true, reporter.Reports(planned.Argv), a.testTimeout()
	return c
}

// maxTestTimeout is what one test may take where the repository does not say; it is a third of the
// build's time where that is less.
const maxTestTimeout = 5 * time.Minute

func (a *attempt) testTimeout() time.Duration {
	if t := a.plan.Running.TestTimeout; t > 0 {
		return t
	}
	return min(maxTestTimeout, a.limits.Timeout/3)
}

// hashSeed is Python's for all runs of tests of this attempt: by chance, as Python's own would be,
// but known, so that a run can be repeated.
func (a *attempt) hashSeed() string {
	if a.plan.Running.HashSeed == "" {
		a.plan.Running.HashSeed = strconv.Itoa(1 + rand.IntN(math.MaxUint32))
	}
	return a.plan.Running.HashSeed
}

func (a *attempt) recordTests(ctx context.Context, tests []results.Test) error {
	if len(tests) == 0 {
		return nil
	}
	if err := a.rec.Tests(ctx, a.step.Name, tests); err != nil {
		return recorderError{err}
	}
	return nil
}
