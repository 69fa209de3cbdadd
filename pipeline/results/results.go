// Package results is what became of each test of a run, as the program that ran it told out of
// band: a test's own output is never read for it.
package results

import "time"

// Outcome is how one test ended.
type Outcome string

const (
	Passed            Outcome = "passed"
	Failed            Outcome = "failed" // an assertion did not hold
	Error             Outcome = "error"  // it raised something else, or could not be begun
	Skipped           Outcome = "skipped"
	ExpectedFailure   Outcome = "expected_failure"
	UnexpectedSuccess Outcome = "unexpected_success" // it passed, and a failure was expected
)

// Red reports whether a test of this outcome makes its run red.
func (o Outcome) Red() bool { return o == Failed || o == Error || o == UnexpectedSuccess }

// Known reports whether o is an outcome.
func (o Outcome) Known() bool {
	switch o {
	case Passed, Failed, Error, Skipped, ExpectedFailure, UnexpectedSuccess:
		return true
	}
	return false
}

// Again is what trying a failed test again showed.
type Again string

const (
	NotTried Again = ""
	Always   Again = "always" // it fails alone, too
	Flaky    Again = "flaky"  // it passed when it was tried again
	Order    Again = "order"  // it fails only after another test
)

// Asked is something that a test asked for and did not get.
type Asked struct {
	Kind string `json:"kind"` // host, program, file, variable or module
	Name string `json:"name"`
}

// Test is one test's result.
type Test struct {
	Run       int    // which of its build's runs, from 0: two may have tests of one ID. It is not stored
	ID        string // tests.test_cart.TotalTest.test_discount; with pytest, the node id
	Sub       string // a subtest's parameters, such as (i=3); else empty
	Outcome   Outcome
	Duration  time.Duration
	Reason    string  // one line: why it was skipped or what it raised, such as "AssertionError: 90 != 100"
	Traceback string  // bounded
	Output    string  // what it printed, where the program captures it; bounded
	Path      string  // in the checkout, with slashes; empty when not known
	Line      int     // from 1; 0 when not known
	Asked     []Asked // what it asked for and did not get; bounded
	At        int64   // line of the build's log, from 1, where its verdict stands; 0 when not known
	Again     Again
	After     string // with Order: the test after which it fails
}

// Counts are how many results there are of each outcome. As JSON they stand in databases.
type Counts struct {
	Passed              int `json:"passed,omitempty"`
	Failed              int `json:"failed,omitempty"`
	Errors              int `json:"errors,omitempty"`
	Skipped             int `json:"skipped,omitempty"`
	ExpectedFailures    int `json:"expected_failures,omitempty"`
	UnexpectedSuccesses int `json:"unexpected_successes,omitempty"`
}

// Total is how many results there are; one test has several where its subtests fail.
func (c Counts) Total() int {
	return c.Passed + c.Failed + c.Errors + c.Skipped + c.ExpectedFailures + c.UnexpectedSuccesses
}

// Red is how many results are red.
func (c Counts) Red() int { return c.Failed + c.Errors + c.UnexpectedSuccesses }

// Count counts n more results.
func (c *Counts) Count(o Outcome, n int) {
	switch o {
	case Passed:
		c.Passed += n
	case Failed:
		c.Failed += n
	case Error:
		c.Errors += n
	case Skipped:
		c.Skipped += n
	case ExpectedFailure:
		c.ExpectedFailures += n
	case UnexpectedSuccess:
		c.UnexpectedSuccesses += n
	}
}

// Summary is what the tests of a run, or of all runs of a build, came to. It stands in databases, as JSON:
// a field that is added later is empty in older ones.
type Summary struct {
	Counts

	// Tampered says that a test of ours among the repository's ended otherwise than it must.
	Tampered bool `json:"tampered,omitempty"`
	// Hung is the test whose time was up, Crashed the one that ran when its process ended; empty
	// when there is none.
	Hung    string `json:"hung,omitempty"`
	Crashed string `json:"crashed,omitempty"`
	// Unreached are tests that were found and did not run, at most MaxUnreached of them; NotReached
	// is how many there are.
	Unreached  []string `json:"unreached,omitempty"`
	NotReached int      `json:"not_reached,omitempty"`
	// Seed is the hash seed of Python with which the tests ran; empty when not known.
	Seed string `json:"seed,omitempty"`
}

// MaxUnreached bounds the names of tests that were not reached.
const MaxUnreached = 100

// Add is the summary of two runs together.
func (s Summary) Add(t Summary) Summary {
	s.Passed += t.Passed
	s.Failed += t.Failed
	s.Errors += t.Errors
	s.Skipped += t.Skipped
	s.ExpectedFailures += t.ExpectedFailures
	s.UnexpectedSuccesses += t.UnexpectedSuccesses
	s.Tampered = s.Tampered || t.Tampered
	for _, text := range []struct{ to, from *string }{
		{&s.Hung, &t.Hung}, {&s.Crashed, &t.Crashed}, {&s.Seed, &t.Seed},
	} {
		if *text.to == "" {
			*text.to = *text.from
		}
	}
	room := max(0, MaxUnreached-len(s.Unreached))
	s.Unreached = append(s.Unreached[:len(s.Unreached):len(s.Unreached)], t.Unreached[:min(room, len(t.Unreached))]...)
	s.NotReached += t.NotReached
	return s
}
