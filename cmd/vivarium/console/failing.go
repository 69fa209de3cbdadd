package console

import (
	"context"
	"fmt"
	"strings"

	"vivarium/pipeline"
	"vivarium/pipeline/mask"
	"vivarium/pipeline/results"
	"vivarium/pipeline/termtext"
)

// FailingLine says of a red result which test it is, why it is red, where, and what trying it again
// showed, in a line.
func FailingLine(t results.Test) string {
	line := strings.TrimSpace(t.ID + " " + t.Sub)
	if t.Reason != "" {
		line += ": " + t.Reason
	}
	switch {
	case t.Path != "" && t.Line > 0:
		line += fmt.Sprintf(" (%s:%d)", t.Path, t.Line)
	case t.Path != "":
		line += " (" + t.Path + ")"
	}
	switch t.Again {
	case results.Always:
		line += "; fails each time"
	case results.Flaky:
		line += "; flaky: passed when tried again"
	case results.Order:
		line += "; " + t.Tried()
	}
	return termtext.OneLine(line)
}

// maxFailing is how many failing tests are named.
const maxFailing = 20

// failing are the red results of a build: the first ones, and how many there are.
type failing struct {
	tests []results.Test
	at    map[place]int // where each stands in tests; -1 for one that is only counted
}

// place names a result.
type place struct {
	run     int
	id, sub string
}

// maxKnown bounds the results that are told from each other.
const maxKnown = 100_000

func (f *failing) add(t results.Test) {
	key := place{t.Run, t.ID, t.Sub}
	at, known := f.at[key]
	switch {
	case !t.Outcome.Red():
	case known && at >= 0:
		f.tests[at] = t
	case known || len(f.at) >= maxKnown:
	default:
		if f.at == nil {
			f.at = map[place]int{}
		}
		f.at[key] = -1
		if len(f.tests) < maxFailing {
			f.at[key] = len(f.tests)
			f.tests = append(f.tests, t)
		}
	}
}

// Tests takes results, of which End names those that are red.
func (c *Console) Tests(_ context.Context, _ pipeline.StepName, tests []results.Test) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range tests {
		c.failing.add(t)
	}
	return nil
}

// failingLines are the failing tests of the build, a line each.
func (c *Console) failingLines() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.failing.tests) == 0 {
		return ""
	}
	secrets := mask.Prepare(c.secrets)
	var b strings.Builder
	b.WriteString(c.term.Dye(Bold, "── failing tests") + "\n")
	for _, t := range c.failing.tests {
		b.WriteString(secrets.Hide(FailingLine(t)) + "\n")
	}
	if more := len(c.failing.at) - len(c.failing.tests); more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	return b.String() + "\n"
}
