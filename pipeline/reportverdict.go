package pipeline

import (
	"cmp"

	"vivarium/pipeline/limits"
	"vivarium/pipeline/tester"
	"vivarium/sandbox/quantity"
)

// cause judges one run. failure is the first failure of all runs in words, with the number of
// further ones.
func (run testRun) cause(l limits.Limits, failure string) (Cause, string) {
	switch missing := run.Missing(); {
	case !run.Results.Reported():
		return testsCause(run.by, run.result, l, run.Printed, failure)
	case run.Results.Summary.Tampered:
		return CauseTests, "the results were tampered with: " + run.by.Name +
			" judged a test of Vivarium's wrongly, which runs among the repository's"
	case !run.Results.Done:
		return run.brokenOff(l, failure)
	case missing != "":
		return CauseTests, missing
	case run.forgiven:
		return "", run.Counts().String() + "; passed all the same, since VIVARIUM_FLAKY=pass: " + failure
	}
	return testsCause(run.by, run.result, l, run.Counts(), failure)
}

// brokenOff judges a run whose process ended before its last test. It begins with the test that
// ran then.
func (run testRun) brokenOff(l limits.Limits, failure string) (Cause, string) {
	test := cmp.Or(run.Results.Summary.Hung, run.Results.Summary.Crashed)
	cause, struck := strike(run.result, l)
	if test == "" {
		if cause == "" && run.Printed.Seen && !run.result.Success() { // it is pytest's way to say why it did not begin
			return testsCause(run.by, run.result, l, run.Printed, failure)
		}
		_, note := blame(StepTest, run.by.Command, run.result, l, failure)
		if run.result.Success() && cause == "" {
			note = run.by.Name + " did not come to its end: the repository's code ended Python with exit code 0"
		}
		return orTests(cause), note + tester.Unreached(run.Results.Summary.NotReached)
	}
	broken := tester.Broken{
		Test: test, Place: run.Crash, Unreached: run.Results.Summary.NotReached,
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
