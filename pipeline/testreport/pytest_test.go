package testreport

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReportOfPytestsOutput(t *testing.T) {
	for name, c := range map[string]struct {
		output string
		want   Report
		text   string
	}{
		"passed": {
			"collected 2 items\n\ntest_a.py ..    [100%]\n\n===== 2 passed in 0.01s =====\n",
			Report{Seen: true, Runs: 1, Ran: 2}, "2 tests",
		},
		"quiet":      {"..   [100%]\n2 passed in 0.01s\n", Report{Seen: true, Runs: 1, Ran: 2}, "2 tests"},
		"an old one": {"== 2 passed, 1 warnings in 0.01 seconds ==\n", Report{Seen: true, Runs: 1, Ran: 2}, "2 tests"},
		"long":       {"== 2 passed in 75.10s (0:01:15) ==\n", Report{Seen: true, Runs: 1, Ran: 2}, "2 tests"},
		"days": {
			"== 2 passed in 90000.00s (1 day, 1:00:00) ==\n",
			Report{Seen: true, Runs: 1, Ran: 2},
			"2 tests",
		},
		"coloured": {
			"\x1b[32m== \x1b[32m\x1b[1m2 passed\x1b[0m, \x1b[33m1 skipped\x1b[0m\x1b[32m in 0.08s\x1b[0m\x1b[32m ==\x1b[0m\n",
			Report{Seen: true, Runs: 1, Ran: 3, Skipped: 1}, "3 tests, 1 skipped",
		},
		"everything": {
			"== 8 failed, 1 passed, 1 skipped, 2 deselected, 1 xfailed, 1 xpassed, 3 warnings, 2 errors, 1 rerun in 0.46s ==\n",
			Report{Seen: true, Runs: 1, Ran: 12, Failures: 8, Errors: 2, Skipped: 1, Deselected: 2},
			"8 failures and 2 errors in 12 tests",
		},
		"subtests": {
			"== 1 passed, 3 subtests passed in 0.1s ==\n", Report{Seen: true, Runs: 1, Ran: 1}, "1 test",
		},
		"none": {"== no tests ran in 0.06s ==\n", Report{Seen: true, Runs: 1}, "0 tests"},
		"none selected": {
			"== 3 deselected in 0.06s ==\n",
			Report{Seen: true, Runs: 1, Deselected: 3},
			"0 tests, 3 deselected",
		},
		"all skipped": {
			"== 2 skipped in 0.06s ==\n",
			Report{Seen: true, Runs: 1, Ran: 2, Skipped: 2},
			"2 tests, which were all skipped",
		},
		"ended by a test": {"test_a.py .", Report{}, "0 tests"},
		"ended on request": {
			"== 1 passed in 0.33s ==\n!!!!!!!!!!! _pytest.outcomes.Exit: done !!!!!!!!!!\n",
			Report{Seen: true, Runs: 1, Ran: 1, Stopped: "_pytest.outcomes.Exit: done"}, "1 test",
		},
		"a test's own words": {"!!! WARNING !!!\n== 1 passed in 0.1s ==\n", Report{Seen: true, Runs: 1, Ran: 1}, "1 test"},
		"ended before": {
			"!!!!!! Interrupted: 1 error during collection !!!!!!\n== 1 error in 0.05s ==\n",
			Report{
				Seen:    true,
				Runs:    1,
				Errors:  1,
				Stopped: "Interrupted: 1 error during collection",
			}, "1 error in 0 tests",
		},
		"in other words": {"we saw 2 passed in 0.01s\n2 passed in the end\n", Report{}, "0 tests"},
		"a run in a run": {
			"== 2 failed in 0.1s ==\n== 3 passed in 0.2s ==\n",
			Report{Seen: true, Runs: 2, Ran: 3},
			"3 tests",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var whole, cut Pytest
			io.Copy(&whole, strings.NewReader(c.output))
			io.Copy(&cut, iotest.OneByteReader(strings.NewReader(c.output)))
			if got := whole.Report(); got != c.want || got.String() != c.text {
				t.Errorf("got %+v, %q; want %+v, %q", got, got, c.want, c.text)
			}
			if whole.Report() != cut.Report() {
				t.Errorf("in one piece %+v, byte by byte %+v", whole.Report(), cut.Report())
			}
		})
	}
}

func TestReportsAddUp(t *testing.T) {
	a := Report{Seen: true, Runs: 1, Ran: 3, Skipped: 1}
	b := Report{
		Seen:                true,
		Runs:                1,
		Ran:                 2,
		Failures:            1,
		Errors:              1,
		UnexpectedSuccesses: 1,
		Deselected:          4,
		Stopped:             "x",
	}
	want := Report{
		Seen: true, Runs: 2, Ran: 5, Failures: 1, Errors: 1, UnexpectedSuccesses: 1, Skipped: 1, Deselected: 4,
		Stopped: "x",
	}
	if got := a.Add(b); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// FuzzPytest checks that the report is the same in whatever pieces the output comes.
func FuzzPytest(f *testing.F) {
	f.Add("== 1 failed, 2 passed in 0.01s ==\n!!!! Exit: x !!!!\n", uint(9))
	f.Add("99999999999999999999 passed in 1s\n", uint(3))
	f.Fuzz(func(t *testing.T, out string, cut uint) {
		var whole, pieces Pytest
		at := int(cut % uint(len(out)+1))
		whole.Write([]byte(out))
		pieces.Write([]byte(out[:at]))
		pieces.Write([]byte(out[at:]))
		if whole.Report() != pieces.Report() {
			t.Errorf("whole: %+v, in pieces: %+v", whole.Report(), pieces.Report())
		}
	})
}
