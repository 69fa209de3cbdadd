package budget

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// every gives n times, each so long after the one before, the last of them now.
func every(n int, d time.Duration, now time.Time) []time.Time {
	all := make([]time.Time, n)
	for i := range all {
		all[i] = now.Add(-time.Duration(n-1-i) * d)
	}
	return all
}

func TestWhenOneMoreMayBeSent(t *testing.T) {
	now := time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)
	l := Limits{Minute: 4, Hour: 10}
	for name, c := range map[string]struct {
		sent  []time.Time
		class Class
		want  time.Duration
		why   string
	}{
		"nothing was sent":                  {nil, Result, 0, ""},
		"the minute has room":               {every(3, time.Second, now), Result, 0, ""},
		"the minute is full":                {every(4, time.Second, now), Result, 57 * time.Second, "minute"},
		"its oldest has just left":          {every(4, 20*time.Second, now), Result, 0, ""},
		"the hour has room":                 {every(9, 5*time.Minute, now), Result, 0, ""},
		"the hour is full":                  {every(10, 5*time.Minute, now), Result, 15 * time.Minute, "hour"},
		"older than an hour does not count": {every(10, 10*time.Minute, now), Result, 0, ""},
		"an extra has half a minute":        {every(2, time.Second, now), Extra, 59 * time.Second, "minute"},
		"a result has the other half":       {every(2, time.Second, now), Result, 0, ""},
		"an extra has half an hour":         {every(5, 5*time.Minute, now), Extra, 40 * time.Minute, "hour"},
		"the longer of both waits counts": {
			every(10, time.Second, now), Result, time.Hour - 9*time.Second, "hour",
		},
	} {
		got, why := l.Wait(c.sent, c.class, now)
		if got != c.want || (why == nil) != (c.want == 0) || why != nil && !strings.Contains(why.Error(), c.why) {
			t.Errorf("%s: wait %v for %v, want %v for the %s", name, got, why, c.want, c.why)
		}
	}
	if wait, why := (Limits{}).Wait(every(10_000, time.Millisecond, now), Extra, now); wait != 0 || why != nil {
		t.Errorf("without limits: wait %v for %v", wait, why)
	}
}

// TestGitHubsLimitsAreKept: whatever comes, no minute has 80 and no hour 500.
func TestGitHubsLimitsAreKept(t *testing.T) {
	now := time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)
	var sent []time.Time
	for range 2000 {
		wait, _ := GitHub.Wait(sent, Result, now)
		now = now.Add(wait)
		sent = append(sent, now)
		if u := UseOf(sent, now); u.Minute >= 80 || u.Hour >= 500 {
			t.Fatalf("after %d requests: %+v", len(sent), u)
		}
	}
	if took := now.Sub(sent[0]); took > 4*time.Hour+30*time.Minute {
		t.Errorf("control: 2000 requests took %v", took)
	}
}

func TestGitHubItselfHasLimitsAndEnterpriseServerHasNot(t *testing.T) {
	for api, want := range map[string]Limits{
		"https://api.github.com": GitHub, "https://API.GitHub.com/": GitHub, "https://api.octo.ghe.com": GitHub,
		"https://ghe.example.org/api/v3": {}, "http://127.0.0.1:8080": {}, "https://api.github.com.example.org": {},
	} {
		u, err := url.Parse(api)
		if err != nil || Of(u) != want {
			t.Errorf("%s: %+v, %v", api, Of(u), err)
		}
	}
}

func TestUseCountsTheLastMinuteAndTheLastHour(t *testing.T) {
	now := time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)
	if u := UseOf(every(100, 30*time.Second, now), now); u != (Use{Minute: 2, Hour: 100}) {
		t.Errorf("got %+v", u)
	}
	if u := UseOf(every(100, time.Minute, now), now); u != (Use{Minute: 1, Hour: 60}) {
		t.Errorf("got %+v", u)
	}
}
