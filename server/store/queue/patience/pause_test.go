package patience

import (
	"testing"
	"time"
)

func TestPausesGrow(t *testing.T) {
	for n, want := range []time.Duration{0, 0, time.Second, 2 * time.Second, 4 * time.Second} {
		if got := Pause(n, true); got != want {
			t.Errorf("after try %d of what is probed: %s, want %s", n, got, want)
		}
	}
	if got := Pause(1, false); got != time.Second {
		t.Errorf("after the first try of what nobody probes: %s, want 1s", got)
	}
	if a, b := Pause(50, true), LookPause(50); a != Longest || b != longestLook {
		t.Errorf("the longest pauses: %s, %s; want %s, %s", a, b, Longest, longestLook)
	}
	for range 100 {
		if d := Spread(time.Second); d < 750*time.Millisecond || d > 1250*time.Millisecond {
			t.Fatalf("Spread(1s) = %s", d)
		}
	}
}

func TestPatienceBeginsWithTheFirstFailure(t *testing.T) {
	at := func(m int) time.Time { return time.Unix(1e9, 0).Add(time.Duration(m) * time.Minute) }
	for name, c := range map[string]struct {
		since, due, started, now time.Time
		want                     time.Time
		over                     bool
	}{
		"the first failure":                {time.Time{}, at(0), at(0), at(1), at(1), false},
		"the second":                       {at(1), at(1), at(2), at(3), at(1), false},
		"the last":                         {at(0), at(58), at(59), at(60), at(0), true},
		"a short one after the hour":       {at(0), at(60), at(61), at(61), at(0), true},
		"begun late, its queue being long": {at(0), at(1), at(90), at(91), at(91), false},
	} {
		if from, over := Since(c.since, c.due, c.started, c.now, time.Hour); !from.Equal(c.want) || over != c.over {
			t.Errorf("%s: got %s, %t; want %s, %t", name, from, over, c.want, c.over)
		}
	}
}
