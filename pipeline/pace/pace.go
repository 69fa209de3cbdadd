// Package pace says how long to wait before a build's next output is read, and waits.
package pace

import (
	"context"
	"time"
)

// Pace limits a build's output to a rate. A reader that waits as long as Delay says reads nothing
// meanwhile. Then the pipe fills and the command waits in its write, so nothing is lost.
type Pace struct {
	full time.Time // when a whole burst may come again
}

// burst is how much may come at once, as a time: as much as the rate allows in one second.
const burst = time.Second

// Delay counts n bytes that came now, and returns how long to wait before the next read.
func (p *Pace) Delay(now time.Time, n, rate int64) time.Duration {
	if rate <= 0 {
		return 0
	}
	if p.full.Before(now) {
		p.full = now
	}
	p.full = p.full.Add(time.Duration(float64(n) / float64(rate) * float64(time.Second)))
	return max(0, p.full.Sub(now)-burst)
}

// Sleep waits for d, or until ctx ends: then it returns why.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
