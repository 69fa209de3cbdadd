//go:build linux

package report

import "time"

// clock measures how long one test takes: the time in which a test is running and reports nothing.
type clock struct {
	limit time.Duration // zero is without bound
	last  time.Time     // of the last look
	head  uint64        // at that look
	spent time.Duration
}

// longestGap is what counts of the time between two looks. PID 1 looks late when the server is slow
// to take the output; the tests wait for that too, and it is none of their time.
const longestGap = 5 * lookEvery

// tick takes a look's figures and reports whether the test has had its time.
func (c *clock) tick(now time.Time, head uint64, running bool) (struck bool) {
	gap := min(now.Sub(c.last), longestGap)
	same := running && head == c.head && !c.last.IsZero()
	c.last, c.head = now, head
	if !same {
		c.spent = 0
		return false
	}
	c.spent += gap
	return c.limit > 0 && c.spent >= c.limit
}
