package github

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestRepeatedLimitsDoubleTheirPause: a limit that is met again right after its pause doubles the
// pause, up to an hour; a success ends that.
func TestRepeatedLimitsDoubleTheirPause(t *testing.T) {
	for name, first := range map[string]time.Duration{"no time named": unnamedWait, "named": 42 * time.Second} {
		var l limit
		now := time.Unix(1_000_000, 0)
		for i, want := 0, first; i < 10; i, want = i+1, min(2*want, maxWait) {
			at := l.met(now, now, now.Add(first), false)
			if at.Sub(now) != want {
				t.Errorf("%s: pause %d is %s, want %s", name, i, at.Sub(now), want)
			}
			now = at
		}
		l.ended(now)
		if at := l.met(now, now, now.Add(first), false); at.Sub(now) != first {
			t.Errorf("%s: the pause after a success is %s, want %s", name, at.Sub(now), first)
		}
	}
}

func TestAUsedUpLimitIsWaitedForUntilItsResetHoweverOftenItIsMet(t *testing.T) {
	var l limit
	now := time.Unix(1_000_000, 0)
	for range 3 {
		if at := l.met(now, now, now.Add(10*time.Minute), true); at.Sub(now) != 10*time.Minute {
			t.Errorf("the pause is %s, want 10 minutes", at.Sub(now))
		}
		now = now.Add(10 * time.Minute)
	}
	if at := l.met(now, now, now.Add(-time.Minute), true); at.Sub(now) != 20*time.Minute {
		t.Errorf("after a reset that another clock has passed the pause is %s, want a longer one", at.Sub(now))
	}
}

func TestRequestsSideBySideMeetOneLimit(t *testing.T) {
	var l limit
	now := time.Unix(1_000_000, 0)
	for range 4 {
		if at := l.met(now, now.Add(time.Second), now.Add(time.Minute), false); at.Sub(now) != time.Minute {
			t.Errorf("the pause ends after %s, want a minute", at.Sub(now))
		}
	}
}

func TestALimitThatNamesItsResetIsWaitedForUntilThen(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for name, c := range map[string]struct {
		left string
		want time.Duration
	}{
		"nothing left":      {"0", 20 * time.Minute},
		"the reset alone":   {"", 20 * time.Minute},
		"a secondary limit": {"4000", time.Minute},
	} {
		h := http.Header{"X-Ratelimit-Reset": {strconv.FormatInt(now.Add(20*time.Minute).Unix(), 10)}}
		if c.left != "" {
			h.Set("X-RateLimit-Remaining", c.left)
		}
		if at := retryAt(h, &APIError{Code: http.StatusTooManyRequests, RateLimit: true}, now); at.Sub(now) != c.want {
			t.Errorf("%s: waits %s, want %s", name, at.Sub(now), c.want)
		}
	}
}
