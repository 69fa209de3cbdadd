package eventually

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWithinWaitsForTheConditionAndNoLonger(t *testing.T) {
	for name, c := range map[string]struct {
		after, limit, took time.Duration
		want               bool
	}{
		"at once":               {0, time.Minute, 0, true},
		"after some time":       {time.Second, time.Minute, time.Second, true},
		"too late":              {time.Hour, time.Minute, time.Minute, false},
		"no time, and it holds": {0, 0, 0, true},
		"no time":               {time.Second, 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin, asked := time.Now(), 0
				got := Within(c.limit, func() bool { asked++; return time.Since(begin) >= c.after })
				took := time.Since(begin)
				if got != c.want || took < c.took || took > c.took+longestPause {
					t.Errorf("got %v after %v, want %v after %v", got, took, c.want, c.took)
				}
				if most := int(c.took/longestPause) + 10; asked == 0 || asked > most {
					t.Errorf("asked %d times, want up to %d", asked, most)
				}
			})
		})
	}
}

// recorder is a test that only notes whether it was ended.
type recorder struct {
	testing.TB
	ended bool
}

func (*recorder) Helper()                 {}
func (r *recorder) Fatalf(string, ...any) { r.ended = true }

func TestHoldsEndsATestWhoseConditionNeverHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		holds, fails := &recorder{TB: t}, &recorder{TB: t}
		Holds(holds, "true", func() bool { return true })
		Holds(fails, "false", func() bool { return false })
		if holds.ended || !fails.ended {
			t.Errorf("ended: %v where it holds, %v where it does not", holds.ended, fails.ended)
		}
	})
}
