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
	case Queued, Running:
		return "pending"
	case Passed:
		return "success"
	case Failed:
		return "failure"
	}
	return "error"
}

// UndeliverableError says that a status will never be accepted as it is: 401, 403
// without a rate limit, 404 or 422. Message is the host's own.
type UndeliverableError struct {
	Code    int
	Message string
}

func (e *UndeliverableError) Error() string {
	return fmt.Sprintf("status refused (HTTP %d): %s", e.Code, e.Message)
}

// RetryError says that a status may be accepted later. At is the earliest time,
// zero where the host named none. Unsure is true when the host may have accepted
// it all the same (a time-out): the state is to be read back before the next post.
type RetryError struct {
	At     time.Time
	Unsure bool
	Err    error
}

func (e *RetryError) Error() string { return e.Err.Error() }
func (e *RetryError) Unwrap() error { return e.Err }
