package pipeline

import (
	"context"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/python"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/reporter"
	"vivarium/pipeline/results"
	"vivarium/pipeline/termtext"
	"vivarium/pipeline/tester"
	"vivarium/pipeline/testreport"
	"vivarium/sandbox"
)

// testRun is what one run of tests came to.
type testRun struct {
	by     tester.Program
	result sandbox.Result
	report testreport.Report // by what it printed
	found  findings.List
	told   results.Run // by what it reported
	crash  string      // the place in the checkout where Python stood when it was ended; empty when not known
}

// test does every run of the plan, also after one that is red: each has its own tests.
func (a *attempt) test(ctx context.Context) (string, error) {
	if len(a.plan.Test) == 0 {
		return "", fail(CauseNoTests, "no tests: %s", a.plan.TestWhy)
	}
	ctx, cancel := a.bound(ctx)
	defer cancel()
	var runs []testRun
	for _, planned := range a.plan.Test {
		run, err := a.runTests(ctx, tester.Of(a.plan.TestProgram, planned), planned)
		if err != nil {
			return "", err
		}
		runs = append(runs, run)
		if cause, _ := strike(run.result, a.limits); cause != "" && !run.result.Success() {
			break
		}
	}
	cause, note, found := judgeRuns(runs, a.limits)
	a.step.Findings = found
	for _, run := range runs {
		a.step.Results = a.step.Results.Add(run.told.Summary)
	}
	if cause != "" {
		return "", fail(cause, "%s", note)
	}
	return note, nil
}

func (a *attempt) runTests(ctx context.Context, by tester.Program, planned checkout.Command) (testRun, error) {
	if err := a.layAgain(ctx); err != nil {
		return testRun{}, err
	}
	output := by.Reader(planned.Dir)
	stack := tester.Stack{Root: sandbox.Workspace}
	parser := results.Parser{Root: sandbox.Workspace}
	var red findings.List
	c := command{
		Command: inCheckout(planned, envSettings),
		name:    by.Command,
		echo:    termtext.Line(python.Line(planned)),
		tap: func(_ sandbox.Stream, p []byte) {
			output.Write(p)
			stack.Write(p)
		},
		report: func(ctx context.Context, p []byte) error {
			tests := parser.Write(p)
			red.Append(tester.Red(tests))
			return a.recordTests(ctx, tests)
		},
	}
	c.Env = append(c.Env, "PYTHONFAULTHANDLER=1")
	c.Merged, c.Report = true, reporter.Reports(planned.Argv)
	r, err := a.run(ctx, c)
	if err != nil {
		return testRun{}, err
	}
	text := by.Sum(output, by.Reader(planned.Dir))
	run := testRun{by: by, result: r, report: text.Report, found: text.Found, told: parser.Run(), crash: stack.Place()}
	if run.told.Reported() && (red.Total > 0 || run.told.Done) {
		run.found = red
	}
	return run, nil
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
