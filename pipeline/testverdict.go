package pipeline

import (
	"fmt"
	"strings"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/limits"
	"vivarium/pipeline/tester"
	"vivarium/pipeline/testreport"
	"vivarium/sandbox"
)

// judgeRuns is the verdict on all runs of tests together: that of the first that is not green. A
// run that found nothing is red only if no other found anything.
func judgeRuns(runs []testRun, l limits.Limits) (Cause, string, findings.List) {
	var found findings.List
	var total testreport.Report
	for _, run := range runs {
		found.Append(run.Found)
		total = total.Add(run.Counts())
	}
	found.Total, found.Of = max(found.Total, total.NotGreen()), total.Ran
	failure := found.Sentence(0)
	none := ""
	var green []testRun
	var remarks []string
	for _, run := range runs {
		cause, note := run.cause(l, failure)
		switch cause {
		case CauseNoTests:
			none = note
		case "":
			green, remarks = append(green, run), append(remarks, note)
		default:
			return cause, note, found
		}
	}
	switch len(remarks) {
	case 0:
		return CauseNoTests, none, found
	case 1:
		return "", remarks[0], found
	}
	return "", together(total, green, remarks), found
}

// together sums up several green runs, and keeps what was remarkable about one.
func together(total testreport.Report, runs []testRun, remarks []string) string {
	note := total.String()
	for i, run := range runs {
		if remark, usual := strings.CutPrefix(remarks[i], run.Counts().String()); !usual {
			note += "; " + remark
		} else {
			note += remark
		}
	}
	return note
}

// testsCause is stepCause for one run of tests. Before Python 3.12 a run of unittest without tests
// exits 0. A program that exits 0 is green only if it came to its end and said so: os._exit(0) in a
// test would hide all tests after it, and at exit all failures. Where several summaries come, as
// from a test that forks, nobody knows which is the program's own: its exit code counts.
//
// failure is the first failure in words, with the number of further ones; empty when none could be
// parsed.
func testsCause(
	by tester.Program, r sandbox.Result, l limits.Limits, report testreport.Report, failure string,
) (Cause, string) {
	said := failure
	if report.Seen {
		said = report.String()
	}
	if failure != "" && report.Bad() && (!r.Success() || report.Runs == 1) {
		said = failure
	}
	cause, note := stepCause(StepTest, by.Command, r, l, said)
	switch {
	case foundNone(r, report) && (cause == "" || cause == CauseTests):
		return CauseNoTests, noTests(by, report)
	case cause == CauseTests && report.None():
		_, note = blame(StepTest, by.Command, r, l, failure)
		return cause, note + ", before any test ran"
	case cause == CauseTests && report.Seen && !report.Bad():
		return cause, greenByItself(by, r, l, report)
	case cause == CauseTimeout && report.Seen:
		return cause, "a thread, or the like, kept Python from ending after its tests (" + report.String() + "): " + note
	case cause != "":
		return cause, note
	case report.Runs == 0 && by.Silent:
		said = fmt.Sprintf("`%s` ended with exit code 0, and with no summary that tells of its tests", by.Command)
	case report.Runs == 0:
		return blame(StepTest, by.Command, r, l, by.Name+
			" did not come to its summary: a test ended Python with exit code 0, or closed the stream of the summary")
	case report.Bad() && report.Runs == 1:
		return blame(StepTest, by.Command, r, l, said+fmt.Sprintf(", although `%s` ended as if all had passed", by.Command))
	case report.Stopped != "":
		return blame(StepTest, by.Command, r, l, by.Name+" was ended before its last test: "+report.Stopped)
	case !report.Seen:
		said = by.Name + "'s summary stands between other output"
	}
	if note != "" {
		said += "; " + note
	}
	return "", said
}

// exitNoTests is the exit code of pytest, and of unittest since Python 3.12, for a run without tests.
const exitNoTests = 5

// foundNone reports whether the program looked for tests and there are none. A run that came to
// grief over a plug-in or an argument tells of no tests as well: others' tests do not make up for it.
func foundNone(r sandbox.Result, report testreport.Report) bool {
	return report.None() && report.Stopped == "" && (r.Success() || r.Signal == "" && r.ExitCode == exitNoTests)
}

func noTests(by tester.Program, report testreport.Report) string {
	if report.Deselected > 0 {
		return fmt.Sprintf("no tests: the repository's own settings of %s deselect all %d", by.Name, report.Deselected)
	}
	return "no tests: " + by.Name + " found nothing to run"
}

// greenByItself says that the run is red although its summary tells of no failure: a plug-in may
// demand more than that the tests pass, or Python came to grief at its end.
func greenByItself(by tester.Program, r sandbox.Result, l limits.Limits, report testreport.Report) string {
	_, note := blame(StepTest, by.Command, r, l, "")
	return fmt.Sprintf("%s, although its summary tells of no failure: %s", note, report)
}
