package pipeline

import "time"

// Waiting says what a queued build waits for besides its turn: trouble outside that may pass.
type Waiting struct {
	Cause Cause     // with which the build ends if the trouble does not pass in time
	Why   string    // what was wrong at the last try
	Since time.Time // when a try of the build first failed so; for a build never tried, when the trouble began
	Next  time.Time // when it is tried next, at the earliest
}

// outside names what a build depends on, by the cause that the build ends with when that does not
// answer.
var outside = map[Cause]string{
	CauseClone:  "the git host",
	CauseIndex:  "the package index",
	CauseImage:  "the runner image",
	CauseEngine: "the Docker engine",
	// Of what is internal, only want of room passes by itself.
	CauseInternal: "room on this server",
}

// For names what the build waits for.
func (w Waiting) For() string { return Outside(w.Cause) }

// Outside names what does not answer when a build ends with this cause.
func Outside(c Cause) string {
	if name, ok := outside[c]; ok {
		return name
	}
	return "what failed to come back"
}

// String describes the wait for people, in one line.
func (w Waiting) String() string { return "waiting for " + w.For() + ": " + w.Why }
