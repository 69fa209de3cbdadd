package pipeline

import "time"

// pace holds a build's output to a rate. Who waits as long as take says reads no further
// meanwhile, so that the pipe fills and the command waits in its write: nothing is lost.
type pace struct {
	full time.Time // when as much as may come at once is there again
}

// burst is how much may come at once, in time: what the rate gives in one second.
const burst = time.Second

// take counts n bytes that came now, and says how long to wait before the next.
func (p *pace) take(now time.Time, n, rate int64) time.Duration {
	if rate <= 0 {
		return 0
	}
	if p.full.Before(now) {
		p.full = now
	}
	p.full = p.full.Add(time.Duration(float64(n) / float64(rate) * float64(time.Second)))
	return max(0, p.full.Sub(now)-burst)
}
