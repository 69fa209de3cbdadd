package store

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/findings"
)

func TestFindingsAreStoredWithTheirStepAndMasked(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		const secret = "s3cret-canary"
		found := findings.List{Total: 3, Findings: []findings.Finding{
			{Path: "app/x.py", Line: 12, Column: 5, Code: "F821", Text: "undefined name 'y'"},
			{Path: "tests/test_a.py", Line: 3, Code: "AssertionError", Test: "tests.test_a.T.test_a", Text: secret + " != 2"},
		}}
		summary := found.Sentence(0) + " " + secret
		serve(t, s, Work{Secrets: func() []string { return []string{secret} }, Build: func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
			step := pipeline.Step{Name: pipeline.StepLint, State: pipeline.StepFailed, Cause: pipeline.CauseLint, Note: summary, Findings: found}
			if err := rec.StepStarted(ctx, pipeline.Step{Name: step.Name}); err != nil {
				return pipeline.Outcome{}, err
			}
			err := rec.StepEnded(ctx, step)
			return pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseLint, Summary: summary}, err
		}})
		id := accept(t, s, push(1))
		waitState(t, s, id, pipeline.Failed)
		b, err := s.Build(t.Context(), id)
		must(t, err)
		got := b.Steps[0].Findings
		if got.Total != 3 || !reflect.DeepEqual(got.Findings[0], found.Findings[0]) || got.Findings[1].Line != 3 {
			t.Errorf("got %+v, want %+v", got, found)
		}
		for name, text := range map[string]string{"finding": got.Findings[1].Text, "note": b.Steps[0].Note, "summary": b.Summary} {
			if strings.Contains(text, secret) || text == "" {
				t.Errorf("%s: %q", name, text)
			}
		}
		if found.Findings[1].Text != secret+" != 2" {
			t.Error("the caller's own findings were changed")
		}
	})
}
