package console

import (
	"fmt"
	"strings"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/termtext"
	"vivarium/sandbox/quantity"
)

// End shows what a build came to after so long: its failing tests, its steps, the verdict.
func (c *Console) End(o pipeline.Outcome, took time.Duration) error {
	return c.Say("\n" + c.failingLines() + strings.TrimSuffix(summary(c.term, o, took), "\n"))
}

// summary is shown when a build ends: a line for each step, then the verdict.
func summary(t Terminal, o pipeline.Outcome, took time.Duration) string {
	var b strings.Builder
	for _, s := range o.Steps {
		line := fmt.Sprintf("%s %-8s%s", t.Dye(stepColour(s.State), fmt.Sprintf("%-8s", s.State)), s.Name,
			stepDetail(s))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	verdict := string(o.State)
	if o.Cause != "" && string(o.Cause) != verdict {
		verdict += " (" + string(o.Cause) + ")"
	}
	verdict = t.Dye(Bold+stateColour(o.State), verdict)
	if o.State != pipeline.Passed { // a passed build's summary tells the time
		verdict += " after " + quantity.Duration(took)
	}
	fmt.Fprintf(&b, "%s: %s\n", verdict, termtext.OneLine(o.Summary))
	return b.String()
}

func stepDetail(s pipeline.Step) string {
	took := ""
	if !s.StartedAt.IsZero() && !s.EndedAt.IsZero() {
		took = quantity.Duration(s.EndedAt.Sub(s.StartedAt))
	}
	return fmt.Sprintf("%10s  %s", took, termtext.OneLine(s.Note))
}

func stepColour(s pipeline.StepState) string {
	switch s {
	case pipeline.StepPassed:
		return Green
	case pipeline.StepFailed, pipeline.StepErrored:
		return Red
	}
	return Dim
}

func stateColour(s pipeline.State) string {
	switch s {
	case pipeline.Passed:
		return Green
	case pipeline.Failed, pipeline.Errored:
		return Red
	}
	return Yellow
}
