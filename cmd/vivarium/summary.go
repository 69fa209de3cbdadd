package main

import (
	"fmt"
	"strings"
	"time"

	"vivarium/pipeline"
)

// summary is what a build's end comes to: a line for each step, then the verdict.
func summary(t terminal, o pipeline.Outcome, took time.Duration) string {
	var b strings.Builder
	for _, s := range o.Steps {
		fmt.Fprintf(&b, "%s %s%s\n", t.dye(stepColour(s.State), fmt.Sprintf("%-8s", s.State)),
			fmt.Sprintf("%-8s", s.Name), strings.TrimRight(stepDetail(s), " "))
	}
	verdict := string(o.State)
	if o.Cause != "" && string(o.Cause) != verdict {
		verdict += " (" + string(o.Cause) + ")"
	}
	fmt.Fprintf(&b, "%s in %s%s\n", t.dye(bold+stateColour(o.State), verdict), shortTime(took), lead(": ", oneLine(o.Summary)))
	return b.String()
}

func stepDetail(s pipeline.Step) string {
	took := ""
	if !s.StartedAt.IsZero() && !s.EndedAt.IsZero() {
		took = shortTime(s.EndedAt.Sub(s.StartedAt))
	}
	return fmt.Sprintf("%8s  %s", took, oneLine(s.Note))
}

func shortTime(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
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
