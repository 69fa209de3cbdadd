package pipeline

import "time"

// Waiting says what a queued build waits for besides its turn: trouble outside that may pass.
type Waiting struct {
	Cause Cause     // what ends the build, should it not pass in time
	Why   string    // what was wrong at the last try
	Since time.Time // of the build's first try that failed so; of one that was never tried, of the trouble
	Next  time.Time // when it is tried next, at the earliest
}

// outside are the names of what a build depends on, by the cause that it ends with when that does not answer.
var outside = map[Cause]string{
	CauseClone:  "the git host",
	CauseIndex:  "the package index",
	CauseImage:  "the runner image",
	CauseEngine: "the Docker engine",
}

// For names what is waited for.
func (w Waiting) For() string { return Outside(w.Cause) }

// Outside names what does not answer where a build ends for such a cause.
func Outside(c Cause) string {
	if name, ok := outside[c]; ok {
		return name
	}
	return "what failed to come back"
}

// String says it to people, in one line.
func (w Waiting) String() string { return "waiting for " + w.For() + ": " + w.Why }
