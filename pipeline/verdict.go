package pipeline

import (
	"fmt"
	"strconv"

	"vivarium/pipeline/limits"
	"vivarium/pipeline/python"
	"vivarium/sandbox"
	"vivarium/sandbox/quantity"
)

// ownCause is the cause for a step whose command failed and hit no limit.
var ownCause = map[StepName]Cause{
	StepClone:   CauseClone,
	StepPlan:    CauseClone, // the plan's only commands are those of a repeated clone
	StepInstall: CauseInstall,
	StepLint:    CauseLint,
	StepTest:    CauseTests,
}

// judge says what a command's result means for its step: a note and, unless the step is green, a
// cause. said is what is known of a failure besides the exit code. A limit that was hit outranks
// the exit code, but success is success.
func judge(step StepName, program string, r sandbox.Result, l limits.Limits, said string) (Cause, string) {
	if r.Success() {
		if _, struck := strike(r, l); struck != "" {
			return "", "green, although: " + struck
		}
		return "", ""
	}
	return blame(step, program, r, l, said)
}

// blame is judge for a command that is not green, whatever its exit code.
func blame(step StepName, program string, r sandbox.Result, l limits.Limits, said string) (Cause, string) {
	cause, struck := strike(r, l)
	switch {
	case cause != "":
		return cause, fmt.Sprintf("%s, in `%s`", struck, program)
	case said != "":
		return ownCause[step], said
	case r.Signal != "":
		return ownCause[step], fmt.Sprintf("`%s` was ended by %s", program, r.Signal)
	}
	return ownCause[step], fmt.Sprintf("`%s` ended with exit code %d", program, r.ExitCode)
}

// strike names the limit that was hit. Where several were, the one that leads to the others comes
// first: a fork bomb runs out of memory and time as well, and a program that has lost a process to
// the OOM killer often waits for it until its time is up.
func strike(r sandbox.Result, l limits.Limits) (Cause, string) {
	switch {
	case r.PidsStruck:
		return CausePidsLimit, fmt.Sprintf("too many processes: %d limit", l.Pids)
	case r.Sockets > 0:
		return CauseOutOfMemory, fmt.Sprintf("out of memory: %s waited unread in sockets", quantity.Bytes(r.Sockets))
	case r.OOMKilled:
		return CauseOutOfMemory, memoryNote(l)
	case r.DiskFull != "":
		return CauseDiskFull, diskNote(r, l)
	case r.TimedOut:
		return CauseTimeout, timeoutNote(l)
	}
	return "", ""
}

// memoryNote names what processes may use. The kernel enforces the sum of memory and disk, since
// files are memory too, so a build with few files has more memory. The plan names both.
func memoryNote(l limits.Limits) string {
	return fmt.Sprintf("out of memory: %s limit", quantity.Bytes(l.Memory))
}

// diskNote distinguishes too many files from too much data in them.
func diskNote(r sandbox.Result, l limits.Limits) string {
	if r.DiskFull == sandbox.Terminals {
		return fmt.Sprintf("too many pseudo-terminals: %d limit", sandbox.MaxTerminals)
	}
	if r.InodesFull {
		return fmt.Sprintf("disk full: too many files in %s, %d limit over all", r.DiskFull, l.Inodes)
	}
	return fmt.Sprintf("disk full: no room left in %s, %s limit over all", r.DiskFull, quantity.Bytes(l.Disk))
}

func timeoutNote(l limits.Limits) string {
	return fmt.Sprintf("timed out: %s limit for the build", quantity.Duration(l.Timeout))
}

func logLimitNote(l limits.Limits) string {
	return fmt.Sprintf("too much output: %s limit", quantity.Bytes(l.LogLimit))
}

// judgeTests is judge for unittest. Before Python 3.12 a run without tests exits 0. A program that
// exits 0 is green only if unittest came to its end and said so: os._exit(0) in a test would hide
// all tests after it, and at exit all failures. Where several summaries come, as from a test that
// forks, nobody knows which is the program's own: its exit code counts.
//
// failure is the first failure in words, with the number of further ones; empty when none could be
// parsed.
func judgeTests(
	program string, r sandbox.Result, l limits.Limits, report python.TestReport, failure string,
) (Cause, string) {
	said := ""
	if report.Seen {
		said = report.String()
	}
	if failure != "" && report.Bad() && (!r.Success() || report.Runs == 1) {
		said = failure
		if report.NotGreen() > 1 {
			said += " of " + strconv.Itoa(report.Ran)
		}
	}
	cause, note := judge(StepTest, program, r, l, said)
	switch {
	case report.None() && (cause == "" || cause == CauseTests):
		return CauseNoTests, "no tests: unittest found nothing to run"
	case cause != "":
		return cause, note
	case report.Runs == 0:
		return blame(StepTest, program, r, l,
			"unittest did not come to its summary: a test ended Python with exit code 0, or closed its standard error")
	case report.Bad() && report.Runs == 1:
		return blame(StepTest, program, r, l, said+fmt.Sprintf(", although `%s` ended with exit code 0", program))
	case !report.Seen:
		said = "unittest's summary stands between other output"
	}
	if note != "" {
		said += "; " + note
	}
	return "", said
}

// verdict is the outcome of a build with these steps: the first that is not green gives the cause.
// What the plan did otherwise than the repository asks for is said at the end.
func verdict(image string, steps []Step) Outcome {
	o := Outcome{State: Passed, Image: image, Steps: steps}
	remark := ""
	for _, s := range steps {
		if s.Cause != "" {
			o.State, o.Cause, o.Summary = s.Cause.State(), s.Cause, s.Note+remark
			return o
		}
		if s.Name == StepPlan && s.Note != "" {
			remark = "; " + s.Note
		}
	}
	first, last := steps[0], steps[len(steps)-1]
	o.Summary = fmt.Sprintf("%s in %s", last.Note, quantity.Duration(last.EndedAt.Sub(first.StartedAt))) + remark
	return o
}
