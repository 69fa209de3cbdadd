package testreport

import (
	"regexp"
	"strconv"
	"strings"
)

// Pytest reads the report in a stream of pytest's output. The zero value is ready.
type Pytest struct {
	lines
	report Report
}

// Write takes the next piece of output. It never fails.
func (s *Pytest) Write(p []byte) (int, error) {
	s.each(p, s.line)
	return len(p), nil
}

// Report is the last report seen so far.
func (s *Pytest) Report() Report { return s.report }

var (
	colors = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	// summary is pytest's last line, such as `== 1 failed, 2 passed in 0.12s ==`; quiet, it has no
	// rule around it. A run of more than a minute has its time in hours too.
	summary = regexp.MustCompile(`^(?:=+ )?(no tests ran|(?:\d+ [a-z]+(?: [a-z]+)?)(?:, \d+ [a-z]+(?: [a-z]+)?)*)` +
		` in [\d.]+ ?s(?:econds)?(?: \(\d+(?: days?, \d+)?:\d\d:\d\d\))?(?: =+)?\s*$`)
	// stopped is the line of a run that was ended before its last test. With -s, a test's own
	// `!!! warning !!!` stands in the output too.
	stopped = regexp.MustCompile(`^!{3,} (` +
		`(?:[\w.]+\.)?(?:Exit|Interrupted|KeyboardInterrupt|stopping after)\b.*?) !{3,}\s*$`)
)

func (s *Pytest) line(line []byte) {
	text := string(colors.ReplaceAll(line, nil))
	if m := stopped.FindStringSubmatch(text); m != nil {
		s.report.Stopped = m[1]
		return
	}
	m := summary.FindStringSubmatch(text)
	if m == nil {
		return
	}
	s.report = Report{Seen: true, Runs: s.report.Runs + 1, Stopped: s.report.Stopped}
	if m[1] == "no tests ran" {
		return
	}
	for _, part := range strings.Split(m[1], ", ") {
		number, name, _ := strings.Cut(part, " ")
		n, _ := strconv.Atoi(number)
		s.count(name, n)
	}
}

// count takes one figure of the summary. A test whose set-up or tear-down failed is an error, and
// only of a tear-down a test besides.
func (s *Pytest) count(name string, n int) {
	switch name {
	case "passed", "xfailed", "xpassed":
		s.report.Ran += n
	case "failed":
		s.report.Ran += n
		s.report.Failures += n
	case "skipped":
		s.report.Ran += n
		s.report.Skipped += n
	case "error", "errors":
		s.report.Errors += n
	case "subtests failed", "subtest failed":
		s.report.Failures += n
	case "deselected":
		s.report.Deselected += n
	}
}
