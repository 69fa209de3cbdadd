package retry

import (
	"fmt"

	"vivarium/pipeline/results"
)

// Seen is what one try showed.
type Seen int

const (
	Nothing Seen = iota // the test did not run, or the program did not come to its end
	Passed
	Failed
)

// Search finds out about one test. It tries it alone; where that passes, in its place; and where it
// fails there, it looks for the one test that this comes from, by halves. What halves have shown is
// tried once more, since a test that fails by chance shows anything.
type Search struct {
	target  Target
	planned []string
	doing   phase
	low, hi int // the test that it comes from is at one of these places, hi left out
	again   results.Again
	after   string
}

type phase int

const (
	alone phase = iota
	inPlace
	halves
	pair       // with the one test that was found
	aloneAgain // and without it
	placeAgain // where that one test makes no difference
	over
)

// NewSearch begins with a test that failed.
func NewSearch(planned []string, target Target) *Search {
	return &Search{target: target, planned: planned, hi: target.At}
}

// Next is which tests to run next, as places (reporter.Selected). Nothing is left to try where there
// are none.
func (s *Search) Next() (places string, ok bool) {
	at := s.target.At
	switch s.doing {
	case alone, aloneAgain:
		return fmt.Sprint(at), true
	case inPlace, placeAgain:
		return fmt.Sprintf("0-%d", at), true
	case halves:
		return fmt.Sprintf("%d-%d,%d", s.low, s.middle()-1, at), true
	case pair:
		return fmt.Sprintf("%d,%d", s.low, at), true
	}
	return "", false
}

func (s *Search) middle() int { return (s.low + s.hi) / 2 }

// Took takes what the try showed that Next asked for.
func (s *Search) Took(seen Seen) {
	if seen == Nothing {
		s.end(results.NotTried)
		return
	}
	failed := seen == Failed
	switch s.doing {
	case alone:
		s.step(failed, over, results.Always, inPlace, "")
		if s.target.At == 0 && !failed { // alone is its place
			s.end(results.Flaky)
		}
	case inPlace:
		s.step(failed, halves, "", over, results.Flaky)
		s.narrowed()
	case halves:
		if failed {
			s.hi = s.middle()
		} else {
			s.low = s.middle()
		}
		s.narrowed()
	case pair:
		s.step(failed, aloneAgain, "", placeAgain, "")
	case aloneAgain:
		s.step(failed, over, results.Flaky, over, results.Order)
		if !failed {
			s.after = s.planned[s.low]
		}
	case placeAgain: // it takes several tests to make it fail
		s.step(failed, over, results.Order, over, results.Flaky)
	}
}

// step goes on by what a try showed.
func (s *Search) step(failed bool, ifFailed phase, then results.Again, ifPassed phase, otherwise results.Again) {
	s.doing, s.again = ifPassed, otherwise
	if failed {
		s.doing, s.again = ifFailed, then
	}
}

func (s *Search) narrowed() {
	if s.doing == halves && s.hi-s.low <= 1 {
		s.doing = pair
	}
}

func (s *Search) end(a results.Again) { s.doing, s.again = over, a }

// Verdict is what is known: nothing before the search is over. after is the test after which it
// fails; empty where it takes several.
func (s *Search) Verdict() (again results.Again, after string) {
	if s.doing != over {
		return results.NotTried, ""
	}
	return s.again, s.after
}
