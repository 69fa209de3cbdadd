package github

import "time"

// limit is what is known about the rate limit in force: GitHub bans clients that keep asking. The
// zero limit is none.
type limit struct {
	until time.Time     // no request before this time
	last  time.Duration // the pause that led there; the next one may have to be longer
}

// met records that a request which began at begun met a limit, and returns when to ask again. A
// limit that is met again after its pause doubles the pause each time. A used-up limit whose reset
// is known lasts until its reset, however often it is met. Concurrent requests meet the same limit.
func (l *limit) met(begun, now, at time.Time, reset bool) time.Time {
	pause := at.Sub(now)
	again := l.last > 0 && !begun.Before(l.until)
	if again && (!reset || pause <= 0) { // a reset in the past is by another clock
		pause = max(pause, 2*l.last)
	}
	pause = min(pause, maxWait)
	if until := now.Add(pause); again || l.last == 0 || until.After(l.until) {
		l.until, l.last = until, max(pause, time.Second)
	}
	return l.until
}

// ended records a success, which ends a limit that was met before the request began.
func (l *limit) ended(begun time.Time) {
	if !begun.Before(l.until) {
		*l = limit{}
	}
}
