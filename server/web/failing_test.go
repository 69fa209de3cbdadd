package web

import (
	"testing"

	"vivarium/pipeline/results"
)

func TestWhatTryingATestAgainShowedIsASentence(t *testing.T) {
	for want, test := range map[string]results.Test{
		"":                 {},
		"Fails each time.": {Again: results.Always},
		"Flaky: it passed when it was tried again.": {Again: results.Flaky},
		"Fails only after test_b.":                  {Again: results.Order, After: "test_b"},
		"Fails only after other tests.":             {Again: results.Order},
	} {
		if got := (Failing{Test: test}).Tried(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
