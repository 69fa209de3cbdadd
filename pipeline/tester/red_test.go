package tester

import (
	"testing"

	"vivarium/pipeline/reason"
	"vivarium/pipeline/results"
)

// TestWhatATestAskedForExplainsItsFailure: the evidence of a result reaches the sentence.
func TestWhatATestAskedForExplainsItsFailure(t *testing.T) {
	l := Red([]results.Test{
		{ID: "a.T.test_green", Outcome: results.Passed},
		{
			ID: "a.T.test_key", Outcome: results.Error, Reason: "KeyError: 'KEY'", Path: "a.py", Line: 3,
			Asked: []results.Asked{{Kind: "variable", Name: "KEY"}},
		},
	})
	l.Explain(&reason.Known{})
	want := "a.T.test_key: the environment variable KEY is not set: set it by env in [tool.vivarium] (a.py:3)"
	if got := l.Sentence(0); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := l.Findings[0].Text; got != "KeyError: 'KEY'" {
		t.Errorf("what was raised is lost: %q", got)
	}
}
