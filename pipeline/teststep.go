package pipeline

import (
	"context"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/suite"
	"vivarium/pipeline/testreport"
	"vivarium/sandbox"
)

// testRun is what one run of tests came to.
type testRun struct {
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
	by := testerOf(a.plan.TestProgram)
	var runs []testRun
	for _, planned := range a.plan.Test {
		run, err := a.runTests(ctx, by, planned)
		if err != nil {
			return "", err
		}
		runs = append(runs, run)
		if cause, _ := strike(run.result, a.limits); cause != "" && !run.result.Success() {
			break
		}
	}
	cause, note, found := judgeRuns(by, runs, a.limits)
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
	// unittest writes to stderr, unless a test module has made that stdout, and pytest to stdout. Why
	// pytest did not begin stands in stderr.
	first, second := &stderr, &stdout
	if by.pytest {
		first, second = second, first
	}
	run := testRun{result: r, report: first.report.Report(), found: first.found.List()}
	if run.report.Runs == 0 && second.report.Report().Runs > 0 {
		run.report, run.found = second.report.Report(), second.found.List()
	}
	if len(run.found.Findings) == 0 && !run.report.Seen {
		run.found = second.found.List()
	}
	return run, nil
}

// tester is a program that runs tests.
type tester struct {
	name    string // for a sentence
	command string // the command, short
	pytest  bool   // it reports as pytest does, and not as unittest does
}

func testerOf(p suite.Program) tester {
	switch p {
	case suite.Pytest:
		return tester{name: "pytest", command: "python -m pytest", pytest: true}
	case suite.Django:
		return tester{name: "Django", command: "manage.py test"}
	}
	return tester{name: "unittest", command: "python -m unittest"}
}

// testOutput reads one stream of a tester's output.
type testOutput struct {
	report interface {
		Write(p []byte) (int, error)
		Report() testreport.Report
	}
	found interface {
		Write(p []byte) (int, error)
		List() findings.List
	}
}

func (by tester) reader(dir string) testOutput {
	if by.pytest {
		return testOutput{&testreport.Pytest{}, &findings.Pytest{Root: sandbox.Workspace, Dir: dir}}
	}
	return testOutput{&testreport.Unittest{}, &findings.Unittest{Root: sandbox.Workspace}}
}

func (o *testOutput) write(p []byte) {
	o.report.Write(p)
	o.found.Write(p)
}
