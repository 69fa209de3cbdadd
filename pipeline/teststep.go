package pipeline

import (
	"context"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/python"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/termtext"
	"vivarium/pipeline/tester"
	"vivarium/pipeline/testreport"
	"vivarium/sandbox"
)

// testRun is what one run of tests came to.
type testRun struct {
	by     tester.Program
	result sandbox.Result
	report testreport.Report
	found  findings.List
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
	c := command{
		Command: inCheckout(planned, envSettings),
		name:    by.Command,
		echo:    termtext.Line(python.Line(planned)),
		tap:     func(_ sandbox.Stream, p []byte) { output.Write(p) },
	}
	c.Merged = true
	r, err := a.run(ctx, c)
	if err != nil {
		return testRun{}, err
	}
	told := by.Sum(output, by.Reader(planned.Dir))
	return testRun{by: by, result: r, report: told.Report, found: told.Found}, nil
}
