package python

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// TestReport is what unittest says at the end of a run.
type TestReport struct {
	Seen bool // a summary could be parsed
	// number of summaries, garbled ones included: a test may fork, and both processes come to the
	// end
	Runs                int
	Ran                 int
	Failures            int
	Errors              int
	UnexpectedSuccesses int
	Skipped             int
}

// None reports whether unittest found nothing to run, as Python 3.12 and later define it: a run in
// which every test was skipped is not empty.
func (r TestReport) None() bool { return r.Seen && r.Ran == 0 && r.Skipped == 0 && !r.Bad() }

// Bad reports whether the run is red by unittest's own count.
func (r TestReport) Bad() bool { return r.NotGreen() > 0 }

// NotGreen counts what is red by unittest's own count.
func (r TestReport) NotGreen() int { return r.Failures + r.Errors + r.UnexpectedSuccesses }

// String names the figures that matter. Failures are counted apart from tests, since one test can
// have several (subtests), and a failure of a set-up belongs to no test.
func (r TestReport) String() string {
	if !r.Bad() {
		s := count(r.Ran, "test")
		if r.Skipped > 0 {
			s += fmt.Sprintf(", %d skipped", r.Skipped)
		}
		return s
	}
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

// ReportScanner finds the report in a stream of unittest's output.
type ReportScanner struct {
	report  TestReport
	partial []byte // the beginning of a line, bounded
}

// maxReportLine is longer than any line of a report.
const maxReportLine = 256

// Write takes the next piece of output. It never fails.
func (s *ReportScanner) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.keep(p)
			return n, nil
		}
		s.keep(p[:i])
		s.line(s.partial)
		s.partial = s.partial[:0]
		p = p[i+1:]
	}
}

func (s *ReportScanner) keep(p []byte) {
	s.partial = append(s.partial, p[:min(len(p), maxReportLine-len(s.partial))]...)
}

// Report is the last report seen so far.
func (s *ReportScanner) Report() TestReport { return s.report }

var (
	ranPiece   = regexp.MustCompile(`Ran \d+ tests? in [\d.]+s`) // is written at once, separately from its line's end
	ranLine    = regexp.MustCompile(`^Ran (\d+) tests? in [\d.]+s\r?$`)
	resultLine = regexp.MustCompile(`^(?:OK|FAILED|NO TESTS RAN)` +
		`(?: \(([a-z]+(?: [a-z]+)?=\d+(?:, [a-z]+(?: [a-z]+)?=\d+)*)\))?\r?$`)
)

func (s *ReportScanner) line(line []byte) {
	s.report.Runs += len(ranPiece.FindAllIndex(line, -1))
	if m := ranLine.FindSubmatch(line); m != nil {
		ran, _ := strconv.Atoi(string(m[1]))
		s.report = TestReport{Seen: true, Runs: s.report.Runs, Ran: ran}
		return
	}
	if !s.report.Seen {
		return
	}
	if m := resultLine.FindSubmatch(line); m != nil {
		for _, part := range strings.Split(string(m[1]), ", ") {
			name, value, _ := strings.Cut(part, "=")
			s.count(name, value)
		}
	}
}

func (s *ReportScanner) count(name, value string) {
	n, _ := strconv.Atoi(value)
	switch name {
	case "failures":
		s.report.Failures = n
	case "errors":
		s.report.Errors = n
	case "unexpected successes":
		s.report.UnexpectedSuccesses = n
	case "skipped":
		s.report.Skipped = n
	}
}
