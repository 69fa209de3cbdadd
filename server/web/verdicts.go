package web

import (
	"time"

	"vivarium/pipeline"
)

// Verdicts says how each branch stood at a time.
type Verdicts struct {
	At       time.Time
	AtText   string // the time as it was asked for; empty is now
	Repo     string // the pattern that was asked for
	Zone     string // of times that name no zone
	Lines    []VerdictLine
	NextPath string // of the next page, without the base; empty on the last
}

// VerdictLine is one branch.
type VerdictLine struct {
	Repo, Branch   string
	SHA, CommitURL string
	State          pipeline.State
	Cause          pipeline.Cause
	Summary        string
	PushedAt       time.Time
	Build          int64 // the build that judged it
}

func (Verdicts) template() string { return "verdicts.html" }
