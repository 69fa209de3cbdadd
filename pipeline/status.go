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

// RefusedError says that the host refused a status, for no limit and no trouble of its own. What may mend it goes by Code: 401 is
// a token that does not work (any more), 403 a permission that it lacks, 404 a repository that it does not see, 422 a status that
// is not taken as it is. Message is the host's own.
type RefusedError struct {
	Code    int
	Message string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("GitHub answered %d: %s", e.Code, e.Message)
}

// RetryError says that a status may be accepted later. At is the earliest time, zero where the host named none; with it the
// host asks to be left alone altogether. Unsure is true when the host may have accepted the status, or may do so yet (a time-out).
type RetryError struct {
	At     time.Time
	Unsure bool
	Err    error
}

func (e *RetryError) Error() string { return e.Err.Error() }
func (e *RetryError) Unwrap() error { return e.Err }
