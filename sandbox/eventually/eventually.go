// Package eventually lets tests wait until a condition holds.
package eventually

import (
	"testing"
	"time"
)

// The pauses between two questions grow from the first to the longest one, so that what comes at
// once is noticed at once, and a long wait costs the machine little.
const (
	firstPause   = time.Millisecond
	longestPause = 20 * time.Millisecond
)

// Within asks ok until it holds, for a limited time, and reports whether it came to hold. ok is asked
// at least once, and a last time when the time is over.
func Within(limit time.Duration, ok func() bool) bool {
	end := time.Now().Add(limit)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		late := !time.Now().Before(end)
		if ok() {
			return true
		}
		if late {
			return false
		}
		time.Sleep(pause)
	}
}

// Holds waits until ok holds, and ends the test when it does not within a minute. what says in words
// what is waited for, such as "the file is removed".
func Holds(t testing.TB, what string, ok func() bool) {
	t.Helper()
	if !Within(time.Minute, ok) {
		t.Fatalf("waited a minute, and still not: %s", what)
	}
}
