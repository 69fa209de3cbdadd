package corpus

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"vivarium/server/api"
)

// build is how one build of a repository ended, in the words that do not differ from one build of
// it to the next.
type build struct {
	state, cause, summary string
	plan                  string
	steps                 []string // name and state
	log                   string   // of all steps
	tests                 string   // the log of the test step
	results               []string // of its tests: the counts, and those that are red; of a push alone
}

// verdict is what the command line calls it.
func (b build) verdict() string {
	if b.cause == "" || b.cause == b.state {
		return b.state
	}
	return b.state + " (" + b.cause + ")"
}

// A test tool's own words of how many tests it ran: unittest's, Django's too, and pytest's.
var (
	unittestRan = regexp.MustCompile(`(?m)^(Ran (\d+) tests?) in [\d.]+s\r?\n\r?\n(OK|FAILED|NO TESTS RAN).*$`)
	pytestRan   = regexp.MustCompile(`(?m)^=* ?((?:\d+ [a-z]+, )*\d+ [a-z]+) in [\d.]+s(?: \([\d:]+\))? ?=*$`)
	pytestCount = regexp.MustCompile(`(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)`)
)

// ran is how many tests the tools counted.
func (b build) ran() (n int) {
	add := func(figure string) {
		i, _ := strconv.Atoi(figure) // only digits
		n += i
	}
	for _, m := range unittestRan.FindAllStringSubmatch(b.tests, -1) {
		add(m[2])
	}
	for _, m := range pytestRan.FindAllStringSubmatch(b.tests, -1) {
		for _, c := range pytestCount.FindAllStringSubmatch(m[1], -1) {
			add(c[1])
		}
	}
	return n
}

// figures are the tools' own last words, a line for each run.
func (b build) figures() (lines []string) {
	for _, m := range unittestRan.FindAllStringSubmatch(b.tests, -1) {
		_, end, _ := strings.Cut(strings.ReplaceAll(m[0], "\r", ""), "\n\n")
		lines = append(lines, m[1]+": "+end)
	}
	for _, m := range pytestRan.FindAllStringSubmatch(b.tests, -1) {
		lines = append(lines, m[1])
	}
	return lines
}

// golden is what a reader of the corpus sees of a build that was pushed.
func (b build) golden() string {
	text := b.seen()
	for _, line := range b.results {
		text += line + "\n"
	}
	return text
}

// seen is what pushes and work trees show alike.
func (b build) seen() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s\n", b.verdict(), b.summary)
	fmt.Fprintf(&text, "steps: %s\n", strings.Join(b.steps, ", "))
	for _, line := range b.figures() {
		fmt.Fprintf(&text, "figures: %s\n", line)
	}
	if b.plan != "" {
		text.WriteString(strings.TrimRight(limitsLine.ReplaceAllString(b.plan, ""), "\n") + "\n")
	}
	return text.String()
}

// The operator's limits are the same for all; the patch release of Python is the image's.
var (
	limitsLine  = regexp.MustCompile(`(?m)^  limits .*\n`)
	patch       = regexp.MustCompile(`\b(3\.\d+)\.\d+\b`)
	took        = regexp.MustCompile(` in (\d+(\.\d)? s|\d+ min \d\d s)(;|$)`)
	waited      = regexp.MustCompile(`; waited .* in vain$`) // a server does, and the command line does not
	planInLog   = regexp.MustCompile(`(?ms)^Plan\n(?:  .*?\n)+`)
	testsInLog  = regexp.MustCompile(`(?ms)^── test\n(.*?)^test: \w+ in .*$`)
	stepLine    = regexp.MustCompile(`(?m)^(passed|failed|errored|skipped) +(clone|plan|install|lint|test)\b`)
	verdictLine = regexp.MustCompile(
		`(?m)^(passed|failed|errored|canceled)(?: \((\w+)\))?(?: after [^:]+)?: (.*)$`)
)

// resultsOf are the results that the API gives of a build's tests, a line each.
func resultsOf(t *api.Tests) (lines []string) {
	if t == nil || t.Total == 0 {
		return nil
	}
	counts := fmt.Sprintf("results: %d, of which passed %d, failed %d, errors %d, skipped %d, expected failures %d, "+
		"unexpected successes %d", t.Total, t.Passed, t.Failed, t.Errors, t.Skipped, t.ExpectedFailures,
		t.UnexpectedSuccesses)
	lines = append(lines, counts)
	for _, f := range t.Failing {
		lines = append(lines, resultLine(f))
	}
	for _, broken := range [][2]string{{"hung", t.Hung}, {"crashed", t.Crashed}} {
		if broken[1] != "" {
			lines = append(lines, strings.Join(broken[:], ": "))
		}
	}
	if t.NotReached > 0 {
		lines = append(lines, fmt.Sprintf("not reached: %d", t.NotReached))
	}
	return lines
}

// resultLine is one red result: what it is of, where it stands, why, and what trying again showed.
func resultLine(t api.Test) string {
	line := fmt.Sprintf("%s: %s", t.Outcome, t.ID)
	if t.Sub != "" {
		line += " " + t.Sub
	}
	if t.Path != "" {
		line += fmt.Sprintf(" (%s:%d)", t.Path, t.Line)
	}
	line += ": " + atAddress.ReplaceAllString(plain(t.Reason), "0x…")
	if t.Again != "" {
		line += strings.TrimRight(fmt.Sprintf(" [tried again: %s %s", t.Again, t.After), " ") + "]"
	}
	return line
}

// atAddress is a place in memory.
var atAddress = regexp.MustCompile(`0x[0-9a-f]{6,}`)

// plain leaves out of a plan or a sentence what differs between machines.
func plain(text string) string { return patch.ReplaceAllString(text, "$1.N") }

func plainSummary(s string) string {
	return plain(waited.ReplaceAllString(took.ReplaceAllString(s, " in TIME$3"), ""))
}

// parseRun reads what `vivarium run` printed.
func parseRun(out string) (b build, err error) {
	verdicts := verdictLine.FindAllStringSubmatchIndex(out, -1)
	if len(verdicts) == 0 {
		return b, fmt.Errorf("no verdict in what vivarium run printed:\n%s", out)
	}
	last := verdicts[len(verdicts)-1]
	group := func(i int) string {
		if last[2*i] < 0 {
			return ""
		}
		return out[last[2*i]:last[2*i+1]]
	}
	b.state, b.cause, b.summary = group(1), group(2), plainSummary(group(3))
	b.log = out[:last[0]]
	b.plan = plain(planInLog.FindString(out))
	if m := testsInLog.FindStringSubmatch(out); m != nil {
		b.tests = m[1]
	}
	steps := stepLine.FindAllStringSubmatch(out[:last[0]], -1)
	for _, m := range steps[max(0, len(steps)-5):] {
		b.steps = append(b.steps, m[2]+" "+m[1])
	}
	return b, nil
}

func TestFiguresOfTheTools(t *testing.T) {
	for text, want := range map[string]int{
		"Ran 1 test in 0.0s\n\nOK\n": 1,
		"Ran 2 tests in 0.001s\n\nFAILED (failures=1)\nx\nRan 3 tests in 1s\n\nOK (skipped=3)\n": 5,
		"===== 1 failed, 2 passed, 1 skipped in 0.12s =====\n":                                   4,
		"2 passed in 0.12s\n":                         2,
		"===== 3 passed in 61.20s (0:01:01) =====\n":  3,
		"===== 1 passed, 2 warnings in 0.05s =====\n": 1,
		"prose: 2 passed in 0.12s\n":                  0,
		"Ran 2 tests in 0.1s\n":                       0,
	} {
		if got := (build{tests: text}).ran(); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func TestRunIsParsed(t *testing.T) {
	out := "── plan\nPlan\n  python       3.11.2 (image python-3.11): the default\n  limits       time 15m\n" +
		"plan: passed in 0.0 s\n── test\nRan 2 tests in 0.001s\n\nFAILED (failures=1)\n" +
		"test: failed in 0.1 s: test_a: x\n\n" +
		"passed   plan         0.0 s\nfailed   test         0.1 s  test_a: x\nfailed (tests) after 3.2 s: test_a: x: y\n"
	b, err := parseRun(out)
	if err != nil {
		t.Fatal(err)
	}
	want := "failed (tests): test_a: x: y\nsteps: plan passed, test failed\nfigures: Ran 2 tests: FAILED (failures=1)\n" +
		"Plan\n  python       3.11.N (image python-3.11): the default\n"
	if got := b.golden(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := parseRun("Usage: vivarium run\n"); err == nil {
		t.Error("a run without a verdict was taken")
	}
}
