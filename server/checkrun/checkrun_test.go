package checkrun

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vivarium/pipeline"
	"vivarium/pipeline/findings"
	"vivarium/pipeline/results"
)

func ended(s pipeline.State, c pipeline.Cause, summary string) pipeline.Build {
	return pipeline.Build{ID: 7, SHA: "abc", State: s, Cause: c, Summary: summary, EndedAt: time.Unix(100, 0)}
}

func TestAnEndIsToldInTheHostsWordsAndOurSentence(t *testing.T) {
	for _, c := range []struct {
		b                 pipeline.Build
		conclusion, title string
	}{
		{ended(pipeline.Passed, "", "12 tests"), "success", "passed: 12 tests"},
		{ended(pipeline.Passed, "", ""), "success", "passed"},
		{ended(pipeline.Failed, pipeline.CauseTests, "test_a: 1 != 2"), "failure", "test_a: 1 != 2"},
		{ended(pipeline.Failed, pipeline.CauseTimeout, "timed out"), "timed_out", "timed out"},
		{ended(pipeline.Errored, pipeline.CauseClone, ""), "failure", "errored: clone"},
		{ended(pipeline.Skipped, pipeline.CauseSkipped, "the commit's message says [skip ci]"), "skipped",
			"skipped: the commit's message says [skip ci]"},
		{ended(pipeline.Canceled, pipeline.CauseCanceled, "canceled on request"), "cancelled", "canceled on request"},
	} {
		r := Of(c.b, nil)
		if r.Status != "completed" || r.Conclusion != c.conclusion || r.Title != c.title || r.Ended.IsZero() ||
			r.Actions[0].Identifier != Rerun || r.Summary != "Nothing was run.\n" {
			t.Errorf("%s, %s: got %+v", c.b.State, c.b.Cause, r)
		}
	}
}

func TestARunningBuildNamesItsStepAndCanBeCanceled(t *testing.T) {
	b := pipeline.Build{State: pipeline.Running, Steps: []pipeline.Step{
		{Name: pipeline.StepClone, State: pipeline.StepPassed}, {Name: pipeline.StepInstall, State: pipeline.StepRunning},
	}}
	if r := Of(b, nil); r.Status != "in_progress" || r.Title != "running: install" || r.Conclusion != "" ||
		r.Actions[0].Identifier != Cancel {
		t.Errorf("got %+v", r)
	}
	if r := Of(pipeline.Build{State: pipeline.Queued}, nil); r.Status != "queued" || r.Summary == "" {
		t.Errorf("queued: got %+v", r)
	}
}

// TestLinesAreMarkedOfRedTestsFirstAndBounded: what has no place in the checkout marks none, and a
// finding on a test that was reported marks nothing twice.
func TestLinesAreMarkedOfRedTestsFirstAndBounded(t *testing.T) {
	b := ended(pipeline.Failed, pipeline.CauseTests, "x")
	b.Steps = []pipeline.Step{
		{Name: pipeline.StepLint, Findings: findings.List{Findings: []findings.Finding{
			{Path: "a.py", Line: 3, Code: "F821", Text: "undefined name 'x'"}, {Text: "nowhere"},
		}}},
		{Name: pipeline.StepTest, Findings: findings.List{Findings: []findings.Finding{
			{Path: "t.py", Line: 9, Test: "t.T.test", Text: "AssertionError: 1 != 2"},
		}}},
	}
	failing := []results.Test{
		{ID: "t.T.test", Path: "t.py", Line: 9, Reason: "AssertionError: 1 != 2"}, {ID: "t.T.other", Reason: "no place"},
	}
	got := Of(b, failing).Annotations
	if len(got) != 2 || got[0].Path != "t.py" || got[0].Title != "t.T.test" || got[1].Title != "F821" {
		t.Errorf("got %+v", got)
	}
	if got := Of(b, nil).Annotations; len(got) != 2 {
		t.Errorf("without results: got %+v", got)
	}
	for i := range 1000 {
		failing = append(failing, results.Test{ID: "t", Path: "t.py", Line: i + 1, Reason: fmt.Sprint(i)})
	}
	r := Of(b, failing)
	if len(r.Annotations) != mostAnnotations || !strings.Contains(r.Summary, "The first 200 places") {
		t.Errorf("%d annotations; %s", len(r.Annotations), r.Summary)
	}
}

// TestNoTextOfABuildIsMoreThanText: neither Markdown nor HTML comes of it, and nothing is too long.
func TestNoTextOfABuildIsMoreThanText(t *testing.T) {
	evil := "`](https://evil.example) <img src=x> | \n# heading\n" + strings.Repeat("𝔘", 5_000)
	b := ended(pipeline.Failed, pipeline.CauseTests, evil)
	for _, name := range pipeline.StepNames {
		b.Steps = append(b.Steps, pipeline.Step{Name: name, Note: evil, Command: evil,
			Findings: findings.List{Findings: []findings.Finding{{Path: "a", Line: 1, Text: evil, Code: evil}}}})
	}
	var failing []results.Test
	for range 500 {
		failing = append(failing, results.Test{ID: evil, Sub: evil, Reason: evil, Path: evil, Line: 1})
	}
	r := Of(b, failing)
	if len(r.Summary) > MostSummary || utf8.RuneCountInString(r.Title) > 140 {
		t.Errorf("summary of %d bytes, title of %d characters", len(r.Summary), utf8.RuneCountInString(r.Title))
	}
	for line := range strings.Lines(r.Summary) {
		outside := ""
		for i, part := range strings.Split(line, "`") {
			if i%2 == 0 {
				outside += part
			}
		}
		if strings.ContainsAny(outside, "<>[]#") || strings.Count(line, "`")%2 != 0 {
			t.Errorf("outside of code spans stands %q", outside)
		}
	}
	for _, a := range r.Annotations {
		if utf8.RuneCountInString(a.Title) > 255 || len(a.Message) > 64<<10 {
			t.Errorf("an annotation is too long: %d, %d", len(a.Title), len(a.Message))
		}
	}
	if at := r.At("https://ci.example.org/logs/7"); !strings.HasSuffix(at.Summary,
		"[The build's page](https://ci.example.org/logs/7) has the log.\n") || len(at.Summary) > MostSummary {
		t.Errorf("with a link: %d bytes, %s", len(at.Summary), at.Summary[max(len(at.Summary)-100, 0):])
	}
	if p := r.Plain(); p.Title != "not passed" || p.Annotations != nil || strings.Contains(p.Summary, "evil") {
		t.Errorf("plain: %+v", p)
	}
}
