package main

import (
	"fmt"
	"strings"
	"time"

	"vivarium/pipeline"
	"vivarium/sandbox/quantity"
)

// summary is shown when a build ends: a line for each step, then the verdict.
func summary(t terminal, o pipeline.Outcome, took time.Duration) string {
	var b strings.Builder
	for _, s := range o.Steps {
		line := fmt.Sprintf("%s %-8s%s", t.dye(stepColour(s.State), fmt.Sprintf("%-8s", s.State)), s.Name,
			stepDetail(s))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	verdict := string(o.State)
	if o.Cause != "" && string(o.Cause) != verdict {
		verdict += " (" + string(o.Cause) + ")"
	}
	verdict = t.dye(bold+stateColour(o.State), verdict)
	if o.State != pipeline.Passed { // a passed build's summary tells the time
		verdict += " after " + quantity.Duration(took)
	}
	fmt.Fprintf(&b, "%s: %s\n", verdict, oneLine(o.Summary))
	return b.String()
}

func stepDetail(s pipeline.Step) string {
	took := ""
	if !s.StartedAt.IsZero() && !s.EndedAt.IsZero() {
		took = quantity.Duration(s.EndedAt.Sub(s.StartedAt))
	}
	return fmt.Sprintf("%10s  %s", took, oneLine(s.Note))
}

func stepColour(s pipeline.StepState) string {
	switch s {
	case pipeline.StepPassed:
		return green
	case pipeline.StepFailed, pipeline.StepErrored:
		return red
	}
	return dim
}

func stateColour(s pipeline.State) string {
	switch s {
	case pipeline.Passed:
		return green
	case pipeline.Failed, pipeline.Errored:
		return red
	}
	return yellow
}
