package pipeline

import (
	"fmt"

	"vivarium/pipeline/limits"
	"vivarium/pipeline/sentence"
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

// stepCause says what a command's result means for its step: a note and, unless the step is green,
// a cause. said is what is known of a failure besides the exit code. A limit that was hit outranks
// the exit code, but success is success.
func stepCause(step StepName, program string, r sandbox.Result, l limits.Limits, said string) (Cause, string) {
	if r.Success() {
		if _, struck := strike(r, l); struck != "" {
			return "", "green, although: " + struck
		}
		return "", ""
	}
	return blame(step, program, r, l, said)
}

// blame is stepCause for a command that is not green, whatever its exit code.
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
		return CauseOutOfMemory, l.OutOfMemory()
	case r.DiskFull != "":
		return CauseDiskFull, l.DiskFull(r)
	case r.TimedOut:
		return CauseTimeout, l.TimedOut()
	}
	return "", ""
}

// outcomeOf is the outcome of a build with these steps: the first that is not green gives the
// cause. What the plan did otherwise than the repository asks for is said at the end. The summary
// of a red build has at most sentence.Max characters: a longer note stands whole with its step.
func outcomeOf(image string, steps []Step) Outcome {
	o := Outcome{State: Passed, Image: image, Steps: steps}
	remark := ""
	for _, s := range steps {
		o.Results = o.Results.Add(s.Results)
	}
	for _, s := range steps {
		if s.Cause != "" {
			o.State, o.Cause, o.Summary = s.Cause.State(), s.Cause, s.Note
			if o.State == Failed {
				o.Summary += remark
			}
			o.Summary = sentence.Cut(o.Summary, sentence.Max)
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
