// Package testreport reads what unittest and pytest say at the end of a run: how many tests there
// were and how they ended. A build's tests are green only if that report says so too.
package testreport

import (
	"bytes"
	"fmt"
	"strings"
)

// Report is what a run of tests came to by its own account.
type Report struct {
	Seen bool // a summary could be parsed
	// number of summaries, garbled ones included: a test may fork, and both processes come to the
	// end
	Runs                int
	Ran                 int // tests, those that were skipped included
	Failures            int
	Errors              int
	UnexpectedSuccesses int
	Skipped             int
	Deselected          int    // by the repository's own settings of pytest
	Stopped             string // why the run was ended before its last test; empty when it was not
}

// None reports whether there was nothing to run, as Python 3.12 and later define it: a run in which
// every test was skipped is not empty.
func (r Report) None() bool { return r.Seen && r.Ran == 0 && r.Skipped == 0 && !r.Bad() }

// Bad reports whether the run is red by its own count.
func (r Report) Bad() bool { return r.NotGreen() > 0 }

// NotGreen counts what is red.
func (r Report) NotGreen() int { return r.Failures + r.Errors + r.UnexpectedSuccesses }

// Add is the report of two runs together.
func (r Report) Add(s Report) Report {
	r.Seen = r.Seen || s.Seen
	r.Runs += s.Runs
	r.Ran += s.Ran
	r.Failures += s.Failures
	r.Errors += s.Errors
	r.UnexpectedSuccesses += s.UnexpectedSuccesses
	r.Skipped += s.Skipped
	r.Deselected += s.Deselected
	if r.Stopped == "" {
		r.Stopped = s.Stopped
	}
	return r
}

// String names the figures that matter. Failures are counted apart from tests, since one test can
// have several (subtests), and a failure of a set-up belongs to no test.
func (r Report) String() string {
	if r.Bad() {
		return r.bad()
	}
	tests := max(r.Ran, r.Skipped) // a class that is skipped as a whole counts as one, and ran nothing
	if r.Skipped > 0 && r.Skipped == tests {
		if tests == 1 {
			return "1 test, which was skipped"
		}
		return fmt.Sprintf("%d tests, which were all skipped", tests)
	}
	s := count(r.Ran, "test")
	if r.Skipped > 0 {
		s += fmt.Sprintf(", %d skipped", r.Skipped)
	}
	if r.Deselected > 0 {
		s += fmt.Sprintf(", %d deselected", r.Deselected)
	}
	return s
}

func (r Report) bad() string {
	var parts []string
	add := func(n int, noun string) {
		if n > 0 {
			parts = append(parts, count(n, noun))
		}
	}
	add(r.Failures, "failure")
	add(r.Errors, "error")
	if r.UnexpectedSuccesses > 0 {
		parts = append(parts, fmt.Sprintf("%d unexpectedly passed", r.UnexpectedSuccesses))
	}
	return strings.Join(parts, " and ") + " in " + count(r.Ran, "test")
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// lines cuts a stream into lines. Of a line that is longer than the bound, only the beginning
// counts.
type lines struct {
	partial []byte
}

// maxLine is longer than any line of a report.
const maxLine = 1024

// each calls line with every line that p ends, without its line break.
func (l *lines) each(p []byte, line func([]byte)) {
	for {
		text, rest, ended := bytes.Cut(p, []byte("\n"))
		l.partial = append(l.partial, text[:min(len(text), maxLine-len(l.partial))]...)
		if !ended {
			return
		}
		line(l.partial)
		l.partial, p = l.partial[:0], rest
	}
}
