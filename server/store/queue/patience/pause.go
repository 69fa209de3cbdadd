package patience

import (
	"fmt"
	"math/rand/v2"
	"time"

	"vivarium/pipeline"
	"vivarium/sandbox/quantity"
)

const (
	// Default is how long a build waits for trouble outside where nothing else is set.
	Default = time.Hour
	// Longest is the longest pause between two tries of one build; longestLook, between two looks
	// at what does not answer.
	Longest     = time.Minute
	longestLook = 30 * time.Second
)

// Pause is how long a build waits at least after its n-th try that failed by trouble outside. What
// is probed decides by itself when to go on, so that the first pause is none; the others are for
// what fails a build while it answers the probe.
func Pause(n int, probed bool) time.Duration {
	if probed {
		n--
	}
	if n < 1 {
		return 0
	}
	return doubled(time.Second, n-1, Longest)
}

// LookPause is how long to wait after the n-th look.
func LookPause(n int) time.Duration { return doubled(time.Second, n-1, longestLook) }

// doubled is d, doubled n times, up to most.
func doubled(d time.Duration, n int, most time.Duration) time.Duration {
	for ; n > 0 && d < most; n-- {
		d *= 2
	}
	return min(d, most)
}

// Spread keeps those who wait from coming at one moment: d, a quarter more or less.
func Spread(d time.Duration) time.Duration {
	return d - d/4 + time.Duration(rand.Int64N(int64(d/2)+1))
}

// Since is when the wait began of a build whose attempt, begun at started, failed now, and whether
// the build has waited for most: its patience is over then. A build that could have begun at due,
// and that its queue alone kept for so long, waits anew from now on.
func Since(since, due, started, now time.Time, most time.Duration) (from time.Time, over bool) {
	if since.IsZero() || started.Sub(due) >= most {
		return now, false
	}
	return since, now.Sub(since) >= most
}

// InVain is how a build ends that has waited in vain.
func InVain(cause pipeline.Cause, why string, since, now time.Time) pipeline.Outcome {
	return pipeline.Outcome{
		State: cause.State(), Cause: cause,
		Summary: fmt.Sprintf("%s; waited %s for %s in vain",
			why, quantity.Duration(now.Sub(since)), pipeline.Outside(cause)),
	}
}
