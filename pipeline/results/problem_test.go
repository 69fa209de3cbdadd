package results

import "testing"

func TestProblemSaysWhatWasAsserted(t *testing.T) {
	const trace = "Traceback (most recent call last):\n  File \"a.py\", line 3, in test\n    assert total == 3\n" +
		"AssertionError\n"
	for want, test := range map[string]Test{
		"90 != 100":                             {Reason: "AssertionError: 90 != 100"},
		"assert total == 3":                     {Reason: "AssertionError", Traceback: trace},
		"No module named 'flask'":               {Reason: "ModuleNotFoundError: No module named 'flask'"},
		"KeyError: 'HOME'":                      {Reason: "KeyError: 'HOME'"},
		"it passed, and a failure was expected": {Outcome: UnexpectedSuccess},
		"it failed":                             {Outcome: Failed},
	} {
		if got := test.Problem(); got != want {
			t.Errorf("%+v: %q, want %q", test, got, want)
		}
	}
}
