package pipeline

import (
	"fmt"
	"time"
)

// CommitStatus is what a git host is told about a commit.
type CommitStatus struct {
	Repo        string // OWNER/NAME
	SHA         string
	Context     string
	State       string // pending, success, failure or error
	Description string // at most 140 characters
	TargetURL   string // empty when the server's public URL is not known
}

// StatusState is GitHub's word for a build's state.
func StatusState(s State) string {
	switch s {
	case Unapproved, Queued, Running:
		return "pending"
	case Passed, Skipped: // a check that is required and never reported would block
		return "success"
	case Failed:
		return "failure"
	}
	return "error"
}

// RefusedError says that the host refused a status, neither for a limit nor for trouble of its own.
// Code tells what may mend it: 401 is a token that does not work (any more), 403 a missing
// permission, 404 a repository that the token does not see, 422 a status that is not accepted as it
// is. Message is the host's own.
type RefusedError struct {
	Code    int
	Message string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("GitHub answered %d: %s", e.Code, e.Message)
}

// RetryError says that the host may accept a status later. At is the earliest time for that, or
// zero where the host named none. Where it is set, the host wants no requests at all until then.
// Unsure is true when the host may have accepted the status, or may do so yet (a time-out).
type RetryError struct {
	At     time.Time
	Unsure bool
	Err    error
}

func (e *RetryError) Error() string { return e.Err.Error() }
func (e *RetryError) Unwrap() error { return e.Err }
