package pipeline

import (
	"cmp"
	"fmt"

	"vivarium/pipeline/limits"
	"vivarium/pipeline/tester"
	"vivarium/pipeline/testreport"
	"vivarium/sandbox/quantity"
)

// counts are the run's figures: by its results, where these are known, else by what it printed.
func (run testRun) counts() testreport.Report {
	if !run.told.Reported() {
		return run.report
	}
	s := run.told.Summary
	return testreport.Report{
		Seen: true, Runs: 1, Ran: s.Total(), Failures: s.Failed, Errors: s.Errors, Skipped: s.Skipped,
		UnexpectedSuccesses: s.UnexpectedSuccesses, Deselected: run.report.Deselected, Stopped: run.told.Stopped,
	}
}

// cause judges one run. failure is the first failure of all runs in words, with the number of
// further ones.
func (run testRun) cause(l limits.Limits, failure string) (Cause, string) {
	switch s := run.told.Summary; {
	case !run.told.Reported():
		return testsCause(run.by, run.result, l, run.report, failure)
	case s.Tampered:
		return CauseTests, "the results were tampered with: two tests of Vivarium's, run among the repository's, " +
			"did not end as they must; something changes how " + run.by.Name + " judges"
	case !run.told.Done:
		return run.brokenOff(l, failure)
	case s.NotReached > 0 && s.Red() == 0 && run.told.Stopped == "":
		return CauseTests, fmt.Sprintf("%s: it was found and did not run, nor did %d more of %d; something took them out",
			s.Unreached[0], s.NotReached-1, run.told.Planned)
	}
	return testsCause(run.by, run.result, l, run.counts(), failure)
}

// brokenOff judges a run whose process ended before its last test. It begins with the test that
// ran then.
func (run testRun) brokenOff(l limits.Limits, failure string) (Cause, string) {
	test := cmp.Or(run.told.Summary.Hung, run.told.Summary.Crashed)
	cause, struck := strike(run.result, l)
	if test == "" {
		if cause == "" && run.report.Seen { // it is pytest's way to say why it did not begin
			return testsCause(run.by, run.result, l, run.report, failure)
		}
		_, note := blame(StepTest, run.by.Command, run.result, l, failure)
		if run.result.Success() && cause == "" {
			note = run.by.Name + " did not come to its end: the repository's code ended Python with exit code 0"
		}
		return orTests(cause), note + tester.Unreached(run.told.Summary.NotReached)
	}
	broken := tester.Broken{
		Test: test, Place: run.crash, Unreached: run.told.Summary.NotReached,
		Struck: struck, Signal: run.result.Signal, ExitCode: run.result.ExitCode,
	}
	if run.result.TestHung {
		cause, broken.Hung = CauseTimeout, quantity.Duration(run.limit)
	}
	return orTests(cause), broken.String()
}

func orTests(cause Cause) Cause {
	if cause == "" {
		return CauseTests
	}
	return cause
}
