package main

import (
	"fmt"
	"time"

	"vivarium/pipeline"
	"vivarium/server/api"
	"vivarium/server/github/githubtest"
)

// verdict prints how the build ended and what GitHub was told of it, and gives the exit code.
func (d *demo) verdict(b api.Build, told []githubtest.Status, took time.Duration) (int, error) {
	d.phase("Verdict: %s", b.State)
	if b.Cause != "" {
		d.say("cause      %s", b.Cause)
	}
	d.say("summary    %s", b.Summary)
	d.say("push to final status  %s", took.Round(time.Millisecond))
	for _, step := range b.Steps {
		d.say("step       %-8s %-8s %s", step.Name, step.State, step.Note)
	}
	lead, err := pendingLead(b, told)
	if err != nil {
		return 0, err
	}
	d.say("statuses   %s", states(told))
	d.say("           pending was accepted %s before the second step began", lead.Round(time.Millisecond))
	return pipeline.Outcome{State: b.State}.ExitCode(), nil
}

// pendingLead is how long before the build's second step GitHub was told that the build is pending.
func pendingLead(b api.Build, told []githubtest.Status) (time.Duration, error) {
	if len(told) < 2 || told[0].State != "pending" {
		return 0, fmt.Errorf("GitHub was told %s, want pending first and then the verdict", states(told))
	}
	if len(b.Steps) < 2 || b.Steps[1].StartedAt == nil {
		return 0, fmt.Errorf("the build ended before its second step: %s", b.Summary)
	}
	second := time.UnixMicro(int64(*b.Steps[1].StartedAt * 1e6))
	lead := second.Sub(told[0].Time)
	if lead < 0 {
		return 0, fmt.Errorf("GitHub was told pending %s after the build's second step began", -lead)
	}
	return lead, nil
}

func states(told []githubtest.Status) string {
	text := ""
	for i, st := range told {
		if i > 0 {
			text += ", then "
		}
		text += st.State
	}
	return text
}
