package main

import (
	"strings"
	"testing"

	"vivarium/pipeline/results"
	"vivarium/server/store/testhistory"
	"vivarium/server/store/testruns"
)

func TestFailingTestIsListedWithItsHistory(t *testing.T) {
	failing := []testruns.Result{
		{Test: results.Test{ID: "a", Outcome: results.Failed, Reason: "90 != 100"}},
		{Test: results.Test{ID: "b", Outcome: results.Failed}},
	}
	known := map[testhistory.Key]testhistory.History{{Test: "a"}: {Since: 12}}
	var out strings.Builder
	printFailing(&out, testruns.Counts{Counts: results.Counts{Failed: 2}}, failing, known)
	if want := "\nFAILING TESTS (2 of 2)\na: 90 != 100; failing since build 12\nb\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
