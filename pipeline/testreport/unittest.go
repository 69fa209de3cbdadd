package testreport

import (
	"regexp"
	"strconv"
	"strings"
)

// Unittest reads the report in a stream of unittest's output. The zero value is ready.
type Unittest struct {
	lines
	report Report
}

// Write takes the next piece of output. It never fails.
func (s *Unittest) Write(p []byte) (int, error) {
	s.each(p, s.line)
	return len(p), nil
}

// Report is the last report seen so far.
func (s *Unittest) Report() Report { return s.report }

var (
	ranPiece   = regexp.MustCompile(`Ran \d+ tests? in [\d.]+s`) // is written at once, separately from its line's end
	ranLine    = regexp.MustCompile(`^Ran (\d+) tests? in [\d.]+s\r?$`)
	resultLine = regexp.MustCompile(`^(?:OK|FAILED|NO TESTS RAN)` +
		`(?: \(([a-z]+(?: [a-z]+)?=\d+(?:, [a-z]+(?: [a-z]+)?=\d+)*)\))?\r?$`)
)

func (s *Unittest) line(line []byte) {
	s.report.Runs += len(ranPiece.FindAllIndex(line, -1))
	if m := ranLine.FindSubmatch(line); m != nil {
		ran, _ := strconv.Atoi(string(m[1]))
		s.report = Report{Seen: true, Runs: s.report.Runs, Ran: ran}
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

func (s *Unittest) count(name, value string) {
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
