// Package checkrun says what a check run on the git host tells of a build: pure, and within the
// host's bounds.
package checkrun

import (
	"fmt"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
	"vivarium/pipeline/sentence"
)

// Run is one check run, as it is to stand on the host. There is one for each build.
type Run struct {
	ID      int64 // the host's; 0: it is to be made
	Retried bool  // an earlier try may have made it
	Repo    string
	SHA     string
	Name    string
	Build   int64
	URL     string // of the build's page; empty when it is not known

	Status     string // queued, in_progress or completed
	Conclusion string // of a completed one
	Began      time.Time
	Ended      time.Time

	Title       string
	Summary     string // Markdown
	Annotations []Annotation
	Actions     []Action
}

// Annotation marks a line of a file.
type Annotation struct {
	Path    string
	Line    int
	Title   string
	Message string
}

// Action is a button.
type Action struct{ Label, Description, Identifier string }

// What the buttons ask for, by the word that the host passes on.
const (
	Rerun  = "rerun"
	Cancel = "cancel"
)

// conclusions are the host's words for ends. A check that is required takes skipped for success.
var conclusions = map[pipeline.State]string{
	pipeline.Skipped: "skipped",
	pipeline.Passed:  "success", pipeline.Failed: "failure", pipeline.Errored: "failure", pipeline.Canceled: "cancelled",
}

// Of is what is told of a build as it is now. failing are its red tests, as many as can be told.
func Of(b pipeline.Build, failing []results.Test) Run {
	r := Run{Repo: b.Repo.FullName, SHA: b.SHA, Build: b.ID, Began: b.StartedAt}
	switch {
	case b.State.Ended():
		r.Status, r.Conclusion, r.Ended = "completed", conclusions[b.State], b.EndedAt
		if b.Cause == pipeline.CauseTimeout {
			r.Conclusion = "timed_out"
		}
		r.Title = endTitle(b)
		r.Annotations = annotations(b, failing)
		r.Actions = []Action{{"Re-run", "Build this commit again", Rerun}}
	case b.State == pipeline.Running:
		r.Status, r.Title = "in_progress", runningTitle(b)
		r.Actions = []Action{{"Cancel", "End this build", Cancel}}
	case b.State == pipeline.Unapproved:
		r.Status, r.Title = "queued", b.Summary
		r.Actions = []Action{{"Cancel", "Do not build this commit", Cancel}}
	default:
		r.Status, r.Title = "queued", "queued"
		if b.Waiting != nil {
			r.Title = b.Waiting.String()
		}
		r.Actions = []Action{{"Cancel", "Take this build out of the queue", Cancel}}
	}
	r.Title = sentence.Cut(r.Title, sentence.Max)
	r.Summary = summary(b, failing, r.Annotations)
	return r
}

// endTitle is the sentence that a commit status says, too.
func endTitle(b pipeline.Build) string {
	switch {
	case b.State == pipeline.Passed && b.Summary == "":
		return "passed"
	case b.State == pipeline.Passed, b.State == pipeline.Skipped:
		return string(b.State) + ": " + b.Summary
	case b.Summary == "":
		return fmt.Sprintf("%s: %s", b.State, b.Cause)
	}
	return b.Summary
}

func runningTitle(b pipeline.Build) string {
	for i := len(b.Steps) - 1; i >= 0; i-- {
		if st := b.Steps[i]; st.State == pipeline.StepRunning {
			return "running: " + string(st.Name)
		}
	}
	return "running"
}

// At is r with a link to the build's page; an empty one is none.
func (r Run) At(page string) Run {
	r.URL = page
	if page != "" {
		r.Summary += "\n[The build's page](" + page + ") has the log.\n"
	}
	return r
}

// Plain is r with nothing in it that a host could refuse: in words of ours alone.
func (r Run) Plain() Run {
	r.Annotations = nil
	r.Title = map[string]string{
		"success": "passed", "failure": "not passed", "cancelled": "canceled", "timed_out": "timed out",
	}[r.Conclusion]
	if r.Title == "" {
		r.Title = r.Status
	}
	r.Summary = "More is not told here."
	return r
}
