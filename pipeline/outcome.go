package pipeline

import (
	"vivarium/pipeline/environment"
	"vivarium/pipeline/results"
	"vivarium/pipeline/wanted"
)

// State is where a build stands.
type State string

const (
	Unapproved State = "unapproved" // a stranger's code, until somebody who may write to the base approves it
	Queued     State = "queued"
	Running    State = "running"
	Passed     State = "passed"
	Failed     State = "failed"   // the repository caused it
	Errored    State = "errored"  // we caused it, or a host that we depend on
	Canceled   State = "canceled" // somebody wished it
	Skipped    State = "skipped"  // it was not to be built, and nothing ran
)

// Ended reports whether s is final.
func (s State) Ended() bool { return s != Unapproved && s != Queued && s != Running }

// Cause says why a build did not pass. Every ended state but Passed has one.
type Cause string

const (
	CausePlan        Cause = "plan"
	CauseInstall     Cause = "install"
	CauseLint        Cause = "lint"
	CauseTests       Cause = "tests"
	CauseNoTests     Cause = "no_tests"
	CauseTimeout     Cause = "timeout"
	CauseOutOfMemory Cause = "out_of_memory"
	CauseDiskFull    Cause = "disk_full"
	CausePidsLimit   Cause = "pids_limit"
	CauseLogLimit    Cause = "log_limit"

	CauseClone    Cause = "clone"
	CauseIndex    Cause = "index"
	CauseImage    Cause = "image"
	CauseEngine   Cause = "engine"
	CauseInternal Cause = "internal"

	CauseCanceled   Cause = "canceled"
	CauseQuota      Cause = "quota"
	CauseSuperseded Cause = "superseded" // a newer push of its branch is built
	CauseSkipped          = Cause(wanted.Skipped)
	CauseFiltered         = Cause(wanted.Filtered)
	CauseUnchanged        = Cause(wanted.Unchanged)
)

// State is the state that a build ends in for this cause.
func (c Cause) State() State {
	switch c {
	case "":
		return Passed
	case CauseClone, CauseIndex, CauseImage, CauseEngine, CauseInternal:
		return Errored
	case CauseCanceled, CauseQuota, CauseSuperseded:
		return Canceled
	case CauseSkipped, CauseFiltered, CauseUnchanged:
		return Skipped
	}
	return Failed
}

// Outcome is how a build ended.
type Outcome struct {
	State   State
	Cause   Cause  // empty when passed
	Summary string // one line for people: what happened, with the figure
	Image   string // the runner image that the build ended on
	Steps   []Step
	Results results.Summary // what the tests came to
	// Environment is what the build ran with, as far as it came.
	Environment environment.Environment
	// Green is the number of the green build that it was compared with; 0 where there was none.
	Green int64
	// Heals says that the cause is trouble outside that may pass: the engine, the git host or the
	// package index did not answer. The same commit may be built later; nothing is judged yet.
	Heals bool
	// Unclear says that a sandbox was lost and nothing tells whether the engine or the build caused
	// it. It is to be tried again, but not for ever.
	Unclear bool
}

// ExitCode is what `vivarium run` exits with for this outcome.
func (o Outcome) ExitCode() int {
	switch o.State {
	case Passed, Skipped:
		return 0
	case Failed:
		return 1
	}
	return 2
}
