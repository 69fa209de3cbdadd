package store

import (
	"context"
	"reflect"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/findings"
)

func TestFindingsAreStoredWithTheirStep(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		found := findings.List{Total: 3, Findings: []findings.Finding{
			{Path: "app/x.py", Line: 12, Column: 5, Code: "F821", Text: "undefined name 'y'"},
			{Path: "tests/test_a.py", Line: 3, Code: "AssertionError", Test: "tests.test_a.T.test_a", Text: "1 != 2"},
		}}
		serve(t, s, Work{Build: func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
			step := pipeline.Step{
				Name: pipeline.StepLint, State: pipeline.StepFailed, Cause: pipeline.CauseLint, Findings: found,
			}
			if err := rec.StepStarted(ctx, pipeline.Step{Name: step.Name}); err != nil {
				return pipeline.Outcome{}, err
			}
			return pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseLint}, rec.StepEnded(ctx, step)
		}})
		id := accept(t, s, push(1))
		waitState(t, s, id, pipeline.Failed)
		b, err := s.Builds.Get(t.Context(), id)
		must(t, err)
		if got := b.Steps[0].Findings; !reflect.DeepEqual(got, found) {
			t.Errorf("got %+v, want %+v", got, found)
		}
	})
}
