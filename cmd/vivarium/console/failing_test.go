package console

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
)

func TestFailingTestIsALine(t *testing.T) {
	for want, test := range map[string]results.Test{
		"test_a: 90 != 100 (tests/test_a.py:31)": {ID: "test_a", Reason: "90 != 100", Path: "tests/test_a.py", Line: 31},
		"test_a (i=3)":                           {ID: "test_a", Sub: "(i=3)"},
		"test_a (a.py); fails each time":         {ID: "test_a", Path: "a.py", Again: results.Always},
		"test_a; fails only after test_b":        {ID: "test_a", Again: results.Order, After: "test_b"},
		"test_a; fails only after other tests":   {ID: "test_a", Again: results.Order},
		"test_a: x y":                            {ID: "test_a", Reason: "\x1b[31mx\ny"},
		"test_a: b; flaky: passed when tried again": {
			ID: "test_a", Reason: "b", Again: results.Flaky,
		},
	} {
		if got := FailingLine(test); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRunEndsWithItsFailingTests(t *testing.T) {
	play := func(tests ...results.Test) string {
		var out strings.Builder
		c := New(&out, Terminal{}, []string{"s3cret-canary"})
		if err := c.Tests(t.Context(), pipeline.StepTest, tests); err != nil {
			t.Fatal(err)
		}
		o := pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseTests, Summary: "the sentence"}
		if err := c.End(o, time.Second); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	got := play(
		results.Test{ID: "test_green", Outcome: results.Passed},
		results.Test{ID: "test_a", Outcome: results.Failed, Reason: "it is s3cret-canary", Path: "a.py", Line: 3},
		results.Test{ID: "test_b", Outcome: results.Error},
		results.Test{
			ID: "test_a", Outcome: results.Failed, Reason: "it is s3cret-canary", Path: "a.py", Line: 3,
			Again: results.Flaky,
		},
		results.Test{ID: "test_b", Outcome: results.Error, Run: 1, Path: "b.py"},
	)
	want := "\n── failing tests\ntest_a: it is *** (a.py:3); flaky: passed when tried again\ntest_b\ntest_b (b.py)\n\n" +
		"failed (tests) after 1 s: the sentence\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var many []results.Test
	for i := range 50 {
		many = append(many, results.Test{ID: fmt.Sprintf("test_%d", i), Outcome: results.Failed})
	}
	if got := play(append(many, many...)...); strings.Count(got, "\ntest_") != maxFailing ||
		!strings.Contains(got, "\nand 30 more\n") {
		t.Errorf("got\n%s", got)
	}
	if got := play(results.Test{ID: "test_green", Outcome: results.Passed}); strings.Contains(got, "failing") {
		t.Errorf("control: got\n%s", got)
	}
}
