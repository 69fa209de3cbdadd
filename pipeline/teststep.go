package pipeline

import (
	"context"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/testreport"
	"vivarium/sandbox"
)

// testRun is what one run of tests came to.
type testRun struct {
	by     tester
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
		run, err := a.runTests(ctx, testerOf(a.plan.TestProgram, planned), planned)
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

func (a *attempt) runTests(ctx context.Context, by tester, planned checkout.Command) (testRun, error) {
	stdout, stderr := by.reader(planned.Dir), by.reader(planned.Dir)
	c := command{
		Command: inCheckout(planned, envSettings),
		name:    by.command,
		tap: func(stream sandbox.Stream, p []byte) {
			if stream == sandbox.Stderr {
				stderr.write(p)
			} else {
				stdout.write(p)
			}
		},
	}
	r, err := a.run(ctx, c)
	if err != nil {
		return testRun{}, err
	}
	run := by.sum(stdout, stderr)
	run.by, run.result = by, r
	return run, nil
}

// sum is what the two streams told. unittest writes to stderr, unless a test module has made that
// stdout, and pytest to stdout. Why pytest did not begin stands in stderr.
func (by tester) sum(stdout, stderr testOutput) testRun {
	first, second := stderr, stdout
	if by.reports == pytests {
		first, second = stdout, stderr
	}
	run := testRun{report: first.report.Report(), found: first.found.List()}
	other := testRun{report: second.report.Report(), found: second.found.List()}
	switch {
	case by.reports == either && run.report.Runs > 0 && other.report.Runs > 0:
		run.report = run.report.Add(other.report)
		run.found.Append(other.found)
	case run.report.Runs == 0 && other.report.Runs > 0:
		run = other
	case len(run.found.Findings) == 0 && !run.report.Seen:
		run.found = other.found
	}
	return run
}
