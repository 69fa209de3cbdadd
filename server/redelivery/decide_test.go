package redelivery

import (
	"slices"
	"testing"
	"time"
)

func TestWhatIsAskedForAgain(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	failed := func(id int64, guid string, ago time.Duration) Attempt {
		return Attempt{ID: id, GUID: guid, At: now.Add(-ago)}
	}
	ok := func(a Attempt) Attempt { a.OK, a.Code = true, 202; return a }
	answered := func(a Attempt, code int) Attempt { a.Code = code; return a }
	for name, c := range map[string]struct {
		attempts []Attempt
		again    []int64
		until    time.Duration // ago
	}{
		"nothing was sent":        {nil, nil, underWay},
		"all arrived":             {[]Attempt{ok(failed(1, "a", time.Hour))}, nil, underWay},
		"nobody answered":         {[]Attempt{failed(1, "a", time.Hour)}, []int64{1}, time.Hour},
		"a gateway answered":      {[]Attempt{answered(failed(1, "a", time.Hour), 502)}, []int64{1}, time.Hour},
		"a tunnel without an end": {[]Attempt{answered(failed(1, "a", time.Hour), 404)}, []int64{1}, time.Hour},
		"this server was full":    {[]Attempt{answered(failed(1, "a", time.Hour), 503)}, []int64{1}, time.Hour},
		"refused for good":        {[]Attempt{answered(failed(1, "a", time.Hour), 401)}, nil, underWay},
		"too fresh":               {[]Attempt{failed(1, "a", 30*time.Second)}, nil, underWay},
		"it came the second time": {
			[]Attempt{failed(1, "a", time.Hour), ok(failed(2, "a", time.Minute))}, nil, underWay,
		},
		"the last one is repeated": {
			[]Attempt{failed(2, "a", 10*time.Minute), failed(1, "a", time.Hour)}, []int64{2}, time.Hour,
		},
		"pauses grow": {
			[]Attempt{failed(1, "a", time.Hour), failed(2, "a", 50*time.Minute), failed(3, "a", 3*time.Minute)},
			nil, time.Hour,
		},
		"oldest event first, by its first attempt": {
			[]Attempt{
				failed(5, "c", 10*time.Minute), failed(2, "b", 20*time.Minute),
				failed(1, "a", time.Hour), failed(4, "a", 5*time.Minute),
			},
			[]int64{4, 2, 5}, time.Hour,
		},
	} {
		again, until := Decide(c.attempts, now)
		var ids []int64
		for _, a := range again {
			ids = append(ids, a.ID)
		}
		if !slices.Equal(ids, c.again) || now.Sub(until) != c.until {
			t.Errorf("%s: again %v, known until %v ago; want %v and %v", name, ids, now.Sub(until), c.again, c.until)
		}
	}
}

// TestAnEventIsAskedForLessAndLessOften: at most once an hour in the end, for three days.
func TestAnEventIsAskedForLessAndLessOften(t *testing.T) {
	begin := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	attempts, asked := []Attempt{{ID: 1, GUID: "a", At: begin}}, 0
	for now := begin; now.Before(begin.Add(kept)); now = now.Add(time.Minute) {
		again, _ := Decide(attempts, now)
		for _, a := range again {
			asked++
			attempts = append(attempts, Attempt{ID: a.ID + 1, GUID: a.GUID, At: now})
		}
	}
	if asked < 72 || asked > 80 {
		t.Errorf("asked %d times", asked)
	}
}

func TestListsGoBackNoFurtherThanGitHubDelivers(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for known, want := range map[time.Time]time.Time{
		now.Add(-time.Hour):           now.Add(-time.Hour),
		now.Add(-30 * 24 * time.Hour): now.Add(-kept + underWay),
	} {
		if got := From(known, now); !got.Equal(want) {
			t.Errorf("known until %v: from %v, want %v", known, got, want)
		}
	}
}
