package attack

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"vivarium/images/imagestest"
)

// line is one attack in the report: what was tried, what shows that it would have been noticed, and
// what came of it.
type line struct {
	name    string
	tried   string
	control string
	outcome string
	held    bool
}

// report collects the lines of all attacks.
var report struct {
	sync.Mutex
	lines []line
}

// attack runs one attack as a subtest and adds its line to the report. An attack without a control
// shows nothing, so f must set both control and outcome.
func attack(t *testing.T, name, tried string, f func(t *testing.T, l *line)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		l := &line{name: t.Name(), tried: tried}
		defer func() {
			l.held = !t.Failed() && l.control != "" && l.outcome != ""
			report.Lock()
			defer report.Unlock()
			report.lines = append(report.lines, *l)
		}()
		f(t, l)
		if !t.Failed() && (l.control == "" || l.outcome == "") {
			t.Errorf("the attack ended without control (%q) or outcome (%q)", l.control, l.outcome)
		}
	})
}

// printReport prints one line an attack: attack, what was tried, control, outcome.
func printReport(w io.Writer) {
	report.Lock()
	defer report.Unlock()
	slices.SortStableFunc(report.lines, func(a, b line) int { return cmp.Compare(group(a.name), group(b.name)) })
	red := 0
	for _, l := range report.lines {
		mark := "ok  "
		if !l.held {
			mark, red = "RED ", red+1
		}
		name := strings.TrimPrefix(l.name, "Test")
		fmt.Fprintf(w, "%s  %-44s  tried: %s  |  control: %s  |  outcome: %s\n", mark, name, l.tried,
			orNone(l.control), orNone(l.outcome))
	}
	fmt.Fprintf(w, "%d attacks, %d red, on %s\n", len(report.lines), red, where())
}

func group(name string) string {
	g, _, _ := strings.Cut(name, "/")
	return g
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// where names the sandboxes' runtime.
func where() string {
	if name := imagestest.Runtime(); name != "" {
		return name
	}
	return "the engine's default runtime"
}
