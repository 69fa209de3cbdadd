package pipeline

import (
	"testing"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/tester"
	"vivarium/pipeline/testreport"
	"vivarium/sandbox"
)

// prog is a program that runs tests.
var prog = tester.Program{Name: "unittest", Command: "prog"}

func TestJudgeTests(t *testing.T) {
	some := testreport.Report{Seen: true, Runs: 1, Ran: 5}
	bad := testreport.Report{Seen: true, Runs: 1, Ran: 5, Failures: 1}
	both := testreport.Report{Seen: true, Runs: 2, Ran: 5, Failures: 1}
	none := testreport.Report{Seen: true, Runs: 1}
	for name, c := range map[string]struct {
		r      sandbox.Result
		report testreport.Report
		cause  Cause
		note   string
	}{
		"passed":            {sandbox.Result{}, some, "", "5 tests"},
		"failed":            {sandbox.Result{ExitCode: 1}, bad, CauseTests, "1 failure in 5 tests"},
		"none, Python 3.11": {sandbox.Result{}, none, CauseNoTests, "no tests: unittest found nothing to run"},
		"none, Python 3.12": {
			sandbox.Result{ExitCode: 5},
			none,
			CauseNoTests,
			"no tests: unittest found nothing to run",
		},
		"none, since memory ended": {
			sandbox.Result{ExitCode: 1, OOMKilled: true},
			none,
			CauseOutOfMemory,
			"out of memory: 2 GiB limit, in `prog`",
		},
		"green without a summary": {
			sandbox.Result{},
			testreport.Report{},
			CauseTests,
			"unittest did not come to its summary: a test ended Python with exit code 0, or closed the stream of the summary",
		},
		"green though some failed": {
			sandbox.Result{},
			bad,
			CauseTests,
			"1 failure in 5 tests, although `prog` ended as if all had passed",
		},
		"green, a child failed": {sandbox.Result{}, both, "", "1 failure in 5 tests"},
		"green, a garbled summary": {
			sandbox.Result{},
			testreport.Report{Runs: 2},
			"",
			"unittest's summary stands between other output",
		},
		"neither, since struck": {
			sandbox.Result{PidsStruck: true},
			testreport.Report{},
			CausePidsLimit,
			"too many processes: 512 limit, in `prog`",
		},
		"failed without a summary": {
			sandbox.Result{ExitCode: 3},
			testreport.Report{},
			CauseTests,
			"`prog` ended with exit code 3",
		},
		"passed, then ended by a signal": {
			sandbox.Result{Signal: "SIGSEGV"},
			some,
			CauseTests,
			"`prog` was ended by SIGSEGV, although its summary tells of no failure: 5 tests",
		},
		"passed, and a plug-in demands more": {
			sandbox.Result{ExitCode: 1},
			some,
			CauseTests,
			"`prog` ended with exit code 1, although its summary tells of no failure: 5 tests",
		},
		"passed, and never ended": {
			sandbox.Result{TimedOut: true, Signal: "SIGKILL"},
			some,
			CauseTimeout,
			"a thread, or the like, kept Python from ending after its tests (5 tests): " +
				"timed out: 15 min limit for the build, in `prog`",
		},
		"ended on request, with exit code 0": {
			sandbox.Result{},
			testreport.Report{Seen: true, Runs: 1, Ran: 1, Stopped: "_pytest.outcomes.Exit: done"},
			CauseTests,
			"unittest was ended before its last test: _pytest.outcomes.Exit: done",
		},
		"ended on request before the first test": {
			sandbox.Result{},
			testreport.Report{Seen: true, Runs: 1, Stopped: "_pytest.outcomes.Exit: done"},
			CauseTests,
			"unittest was ended before its last test: _pytest.outcomes.Exit: done",
		},
		"came to grief before the first test": {
			sandbox.Result{ExitCode: 3},
			none,
			CauseTests,
			"`prog` ended with exit code 3, before any test ran",
		},
		"all deselected": {
			sandbox.Result{ExitCode: 5},
			testreport.Report{Seen: true, Runs: 1, Deselected: 3},
			CauseNoTests,
			"no tests: the repository's own settings of unittest deselect all 3",
		},
		"passed, though struck": {
			sandbox.Result{PidsStruck: true},
			some,
			"",
			"5 tests; green, although: too many processes: 512 limit",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cause, note := testsCause(prog, c.r, testLimits, c.report, "")
			if cause != c.cause || note != c.note {
				t.Errorf("got %q, %q; want %q, %q", cause, note, c.cause, c.note)
			}
		})
	}
}

func TestJudgeTestsBeginsWithTheFailure(t *testing.T) {
	const failure = "tests.test_cart.test_total: 90 != 100 (tests/test_cart.py:31)"
	one := testreport.Report{Seen: true, Runs: 1, Ran: 5, Failures: 1}
	three := testreport.Report{Seen: true, Runs: 1, Ran: 120, Failures: 2, Errors: 1}
	forked := testreport.Report{Seen: true, Runs: 2, Ran: 5, Failures: 1}
	green := testreport.Report{Seen: true, Runs: 1, Ran: 5}
	for name, c := range map[string]struct {
		r       sandbox.Result
		report  testreport.Report
		failure string
		note    string
	}{
		"one": {sandbox.Result{ExitCode: 1}, one, failure, failure},
		"three": {
			sandbox.Result{ExitCode: 1},
			three,
			failure + ", and 2 more of 120",
			failure + ", and 2 more of 120",
		},
		"although exit 0":  {sandbox.Result{}, one, failure, failure + ", although `prog` ended as if all had passed"},
		"none that counts": {sandbox.Result{}, forked, failure, "1 failure in 5 tests"},
		"forged, green":    {sandbox.Result{}, green, failure, "5 tests"},
		"a limit struck": {
			sandbox.Result{ExitCode: 1, PidsStruck: true},
			one,
			failure,
			"too many processes: 512 limit, in `prog`",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, note := testsCause(prog, c.r, testLimits, c.report, c.failure); note != c.note {
				t.Errorf("got %q, want %q", note, c.note)
			}
		})
	}
}

func TestSeveralRunsAreJudgedTogether(t *testing.T) {
	failed := func(text string, n int) findings.List {
		return findings.List{Findings: []findings.Finding{{Test: "t", Text: text}}, Total: n}
	}
	run := func(by tester.Program, r sandbox.Result, printed testreport.Report, found findings.List) testRun {
		return testRun{by: by, result: r, Told: tester.Told{Printed: printed, Found: found}}
	}
	seen := testreport.Report{Seen: true, Runs: 1}
	exit := func(code int) sandbox.Result { return sandbox.Result{ExitCode: code} }
	counted := func(ran, failures, errors, skipped int) testreport.Report {
		r := seen
		r.Ran, r.Failures, r.Errors, r.Skipped = ran, failures, errors, skipped
		return r
	}
	var nothing findings.List
	green := run(prog, exit(0), counted(2, 0, 0, 0), nothing)
	skipped := run(prog, exit(0), counted(1, 0, 0, 1), nothing)
	none := run(prog, exit(0), seen, nothing)
	grief := run(prog, exit(4), seen, nothing)
	silent := testRun{by: prog}
	own := tester.Program{Name: "the repository's own command", Command: "make test", Silent: true}
	quiet := testRun{by: own}
	broken := testRun{by: own, result: exit(2)}
	struck := run(prog, sandbox.Result{PidsStruck: true}, green.Printed, nothing)
	red := run(prog, exit(1), counted(3, 1, 0, 0), failed("first", 1))
	redder := run(prog, exit(1), counted(4, 2, 0, 0), failed("second", 2))
	for name, c := range map[string]struct {
		runs  []testRun
		cause Cause
		note  string
		total int
	}{
		"one":               {[]testRun{green}, "", "2 tests", 0},
		"two":               {[]testRun{green, skipped}, "", "3 tests, 1 skipped", 0},
		"one found nothing": {[]testRun{none, green}, "", "2 tests", 0},
		"one came to grief": {
			[]testRun{green, grief},
			CauseTests,
			"`prog` ended with exit code 4, before any test ran",
			0,
		},
		"none found anything": {
			[]testRun{none, none},
			CauseNoTests,
			"no tests: unittest found nothing to run",
			0,
		},
		"one is red":  {[]testRun{green, red}, CauseTests, "t: first", 1},
		"two are red": {[]testRun{red, green, redder}, CauseTests, "t: first, and 2 more of 9", 3},
		"one need not say anything": {
			[]testRun{green, quiet},
			"",
			"2 tests; `make test` ended with exit code 0, and with no summary that tells of its tests",
			0,
		},
		"its exit code counts": {[]testRun{green, broken}, CauseTests, "`make test` ended with exit code 2", 0},
		"one says nothing": {
			[]testRun{green, silent},
			CauseTests,
			"unittest did not come to its summary: a test ended Python with exit code 0, or closed the stream of the summary",
			0,
		},
		"one is struck, though": {
			[]testRun{green, struck},
			"",
			"4 tests; green, although: too many processes: 512 limit",
			0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			cause, note, found := judgeRuns(c.runs, testLimits)
			if cause != c.cause || note != c.note || found.Total != c.total {
				t.Errorf("got %q, %q, %d findings; want %q, %q, %d", cause, note, found.Total, c.cause, c.note, c.total)
			}
		})
	}
}
