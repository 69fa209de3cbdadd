// Package redelivery asks GitHub again for the deliveries that did not arrive: GitHub delivers none
// by itself a second time.
package redelivery

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// Attempt is one attempt of GitHub's to deliver an event.
type Attempt struct {
	ID   int64
	GUID string // of the event: that of all attempts at it
	At   time.Time
	OK   bool
	Code int // of the answer; 0: there was none
}

const (
	// kept is how long GitHub can deliver an event again (docs.github.com, "Redelivering webhooks").
	kept = 3 * 24 * time.Hour
	// underWay is how long an attempt may not be listed yet, or have no result.
	underWay = 2 * time.Minute
	// pauses between attempts at one event.
	firstPause, longestPause = time.Minute, time.Hour
)

// final are answers of this server's own that the same delivery would get again.
var final = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestEntityTooLarge,
	http.StatusUnsupportedMediaType,
}

// From is from when on deliveries are to be listed, given until when they are known to have come.
func From(known, now time.Time) time.Time {
	if oldest := now.Add(-kept + underWay); known.Before(oldest) {
		return oldest
	}
	return known
}

// Decide says which attempts to have repeated, oldest event first, and until when all has come that
// ever will. attempts are all since a time; of an event at which no attempt succeeded the last one
// is repeated, after pauses that double.
func Decide(attempts []Attempt, now time.Time) (again []Attempt, until time.Time) {
	events := map[string][]Attempt{}
	for _, a := range attempts {
		events[a.GUID] = append(events[a.GUID], a)
	}
	type event struct {
		first time.Time
		last  Attempt
	}
	var due []event
	until = now.Add(-underWay)
	for _, all := range events {
		byTime := func(a, b Attempt) int { return a.At.Compare(b.At) }
		first, last := slices.MinFunc(all, byTime).At, slices.MaxFunc(all, byTime)
		if slices.ContainsFunc(all, func(a Attempt) bool { return a.OK || slices.Contains(final, a.Code) }) {
			continue
		}
		if first.Before(until) {
			until = first
		}
		if now.Sub(last.At) >= pause(len(all)) {
			due = append(due, event{first, last})
		}
	}
	slices.SortFunc(due, func(a, b event) int {
		return cmp.Or(a.first.Compare(b.first), cmp.Compare(a.last.ID, b.last.ID))
	})
	for _, e := range due {
		again = append(again, e.last)
	}
	return again, until
}

// pause is how long to wait after the nth attempt at an event.
func pause(n int) time.Duration {
	if n > 7 {
		return longestPause
	}
	return min(firstPause<<(n-1), longestPause)
}
