// Package pipeline is the domain: what a build is, which steps it takes, and what its outcome
// means. It runs builds in sandboxes and knows nothing of HTTP, GitHub or databases.
package pipeline

import (
	"time"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/limits"
	"vivarium/pipeline/results"
)

// StepName names one step of a build.
type StepName string

// The steps, in order.
const (
	StepClone   StepName = "clone"
	StepPlan    StepName = "plan"
	StepInstall StepName = "install"
	StepLint    StepName = "lint"
	StepTest    StepName = "test"
)

// StepNames lists all steps in order.
var StepNames = []StepName{StepClone, StepPlan, StepInstall, StepLint, StepTest}

// StepState is where a step stands.
type StepState string

const (
	StepRunning StepState = "running"
	StepPassed  StepState = "passed"
	StepFailed  StepState = "failed"
	StepErrored StepState = "errored"
	StepSkipped StepState = "skipped" // nothing to do, or an earlier step ended the build
)

// Step is one step of one attempt at a build.
type Step struct {
	Name       StepName
	State      StepState
	Cause      Cause  // why it is not green
	Command    string // the command line, for people
	ExitCode   *int   // nil when no command exited by itself
	Signal     string
	StartedAt  time.Time
	EndedAt    time.Time
	CPU        time.Duration
	PeakMemory int64  // bytes
	Note       string // one line: the figure behind the cause, or a remark on a green step
	// Limits are the limits in force during the step; for the plan, those that it leaves in force.
	// They are zero for a skipped step.
	Limits limits.Limits
	// Findings are what the step's tool found wrong, as far as its output could be parsed.
	Findings findings.List
	// Results are what its tests came to. They are the zero value for other steps.
	Results results.Summary
}

// Repository is a repository on a git host.
type Repository struct {
	ID            int64  // GitHub's; 0 when not known
	FullName      string // OWNER/NAME
	DefaultBranch string
	Private       bool
}

// Build is one build of one commit, with its newest attempt.
type Build struct {
	ID       int64
	Repo     Repository
	Ref      Ref
	SHA      string
	Before   string // of a push: the commit that the branch was at; empty for none
	Author   string // the pusher's name
	Message  string // first line of the commit message
	Trigger  Trigger
	RerunOf  int64 // the build that this one repeats; 0 for none
	Pull     int64 // the pull request that has the commit as its head; 0 for none
	Fork     bool  // that pull request is a fork's: the code is a stranger's
	Attempt  int   // 0 while the build has never started
	State    State
	Cause    Cause
	Summary  string
	Image    string
	QueuedAt time.Time
	// StartedAt and EndedAt are zero until the build starts and ends.
	StartedAt time.Time
	EndedAt   time.Time
	Steps     []Step
	// Waiting is nil for a build that waits only for its turn, or for nothing. While it is set,
	// Summary says the same.
	Waiting *Waiting
}

// TestResults are what the tests of the newest attempt came to, once they have ended.
func (b Build) TestResults() results.Summary {
	for _, st := range b.Steps {
		if st.Name == StepTest {
			return st.Results
		}
	}
	return results.Summary{}
}

// Limits are the limits in force in the newest attempt; nil while no step of it tells them.
func (b Build) Limits() *limits.Limits {
	for i := len(b.Steps) - 1; i >= 0; i-- {
		if l := b.Steps[i].Limits; l != (limits.Limits{}) {
			return &l
		}
	}
	return nil
}
