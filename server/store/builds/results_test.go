package builds

import (
	"reflect"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
)

func TestStepKeepsWhatItsTestsCameTo(t *testing.T) {
	for name, want := range map[string]results.Summary{
		"nothing": {},
		"counts": {NotReached: 7, Counts: results.Counts{
			Passed: 1, Failed: 2, Errors: 3, Skipped: 4, ExpectedFailures: 5, UnexpectedSuccesses: 6,
		}},
		"words": {Tampered: true, Hung: "test_a", Crashed: "test_b", Unreached: []string{"test_c", "test_d"}, Seed: "0"},
	} {
		row := NewStepRow(1, 1, pipeline.Step{Name: pipeline.StepTest, Results: want})
		if s, err := row.Step(); err != nil || !reflect.DeepEqual(s.Results, want) {
			t.Errorf("%s: got %+v, %v", name, s.Results, err)
		}
	}
	row := NewStepRow(1, 1, pipeline.Step{Results: results.Summary{
		Counts: results.Counts{Passed: 1, ExpectedFailures: 5}, Tampered: true, Unreached: []string{"test_c"}, Seed: "0",
	}})
	const stands = `{"passed":1,"expected_failures":5,"tampered":true,"unreached":["test_c"],"seed":"0"}`
	if row.Results != stands { // in databases of earlier versions, too
		t.Errorf("it is written as %s, want %s", row.Results, stands)
	}
	if _, err := (StepRow{Results: "{"}).Step(); err == nil {
		t.Error("a damaged row is read")
	}
}
