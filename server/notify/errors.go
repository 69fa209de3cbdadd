package notify

import "time"

// RefusedError says that a target does not take a message, and would not take it later either. It
// holds no address.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return e.Why }

// LaterError says that a target may take a message later, not before At; the zero time: soon.
type LaterError struct {
	At  time.Time
	Why string
}

func (e *LaterError) Error() string { return e.Why }
