package githubtest

import (
	"testing"
	"time"
)

func TestContentIsLimitedByTheMinuteAndTheHour(t *testing.T) {
	var c Content
	now := time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)
	for i := range 500 {
		wait, ok := c.Take(now)
		if full := i > 0 && i%80 == 0; full {
			if ok || wait != time.Minute {
				t.Fatalf("request %d of a minute: taken %t, wait %v", i+1, ok, wait)
			}
			now = now.Add(wait)
			wait, ok = c.Take(now)
		}
		if !ok || wait != 0 {
			t.Fatalf("request %d: wait %v", i+1, wait)
		}
	}
	if wait, ok := c.Take(now); ok || wait != 54*time.Minute {
		t.Errorf("after 500: taken %t, wait %v", ok, wait)
	}
	if c.Refused() != 7 {
		t.Errorf("%d were refused", c.Refused())
	}
}
