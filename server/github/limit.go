package github

import "time"

// limit is what is known of the rate limit in force: GitHub bans who goes on asking. The zero limit is none.
type limit struct {
	until time.Time     // no request before
	last  time.Duration // the pause that led there, for the next one to be longer
}

// met takes note of a limit that answered a request begun at some time, and says when to ask again. A limit that is met again
// after its pause is waited for twice as long each time; a used-up one, whose reset is known, until then, however often it is
// met. Requests that were under way side by side meet the same one.
func (l *limit) met(begun, now, at time.Time, reset bool) time.Time {
	pause := at.Sub(now)
	again := l.last > 0 && !begun.Before(l.until)
	if again && (!reset || pause <= 0) { // a reset that is past is another clock's
		pause = max(pause, 2*l.last)
	}
	pause = min(pause, maxWait)
	if until := now.Add(pause); again || l.last == 0 || until.After(l.until) {
		l.until, l.last = until, max(pause, time.Second)
	}
	return l.until
}

// ended takes note of a success: it ends the limit that was met before its request was begun.
func (l *limit) ended(begun time.Time) {
	if !begun.Before(l.until) {
		*l = limit{}
	}
}
