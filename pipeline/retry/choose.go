// Package retry decides which failed tests are tried again, and what that shows: a test fails always,
// by chance, or only after another one. It runs nothing.
package retry

import (
	"time"

	"vivarium/pipeline/results"
)

// MostTests is how many failed tests of one run are tried again. Where there are more, one cause is
// likely behind most of them.
const MostTests = 10

// leastTime is what may be spent on trying again however short the run was.
const leastTime = 30 * time.Second

// Time is how long a run's tests may be tried again: twice as long as the run took, and no more than
// half of the time that the build has left.
func Time(took, left time.Duration) time.Duration {
	return max(0, min(left/2, max(leastTime, 2*took)))
}

// Target is a test to be tried again.
type Target struct {
	ID string
	At int // its place among the tests that the run found, from 0
}

// Choose takes the first red tests whose place in the run is known, MostTests of them. planned are
// the tests that the run found, in order.
func Choose(planned []string, red []results.Test) []Target {
	places := map[string]int{}
	for at, id := range planned {
		if _, twice := places[id]; twice {
			at = -1 // nobody knows which of the two is meant
		}
		places[id] = at
	}
	var chosen []Target
	for _, t := range red {
		if at, ok := places[t.ID]; ok && at >= 0 && len(chosen) < MostTests {
			chosen = append(chosen, Target{t.ID, at})
			places[t.ID] = -1 // its subtests are red too
		}
	}
	return chosen
}
