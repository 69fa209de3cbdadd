package testreport

import (
	"strings"
	"testing"
	"testing/iotest"

	"io"
)

func TestReportOfUnittestsOutput(t *testing.T) {
	for name, c := range map[string]struct {
		output string
		want   string
		none   bool
	}{
		"ok":      {"test_a ... ok\n\n-----\nRan 12 tests in 0.302s\n\nOK\n", "12 tests", false},
		"one":     {"Ran 1 test in 0.000s\n\nOK\n", "1 test", false},
		"skipped": {"Ran 3 tests in 0.1s\n\nOK (skipped=1, expected failures=1)\n", "3 tests, 1 skipped", false},
		"failed": {
			"Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n",
			"1 failure and 2 errors in 5 tests",
			false,
		},
		"unexpected": {
			"Ran 5 tests in 0.1s\n\nFAILED (unexpected successes=2)\n",
			"2 unexpectedly passed in 5 tests",
			false,
		},
		"none in 3.11":       {"\n---\nRan 0 tests in 0.000s\n\nOK\n", "0 tests", true},
		"none in 3.12":       {"\n---\nRan 0 tests in 0.000s\n\nNO TESTS RAN\n", "0 tests", true},
		"a class is skipped": {"Ran 0 tests in 0.000s\n\nOK (skipped=1)\n", "1 test, which was skipped", false},
		"all skipped":        {"Ran 3 tests in 0.000s\n\nOK (skipped=3)\n", "3 tests, which were all skipped", false},
		"set-up failed":      {"Ran 0 tests in 0.000s\n\nFAILED (errors=1)\n", "1 error in 0 tests", false},
		"a run in a run": {
			"Ran 7 tests in 1s\n\nFAILED (errors=1)\nmore\nRan 2 tests in 0.1s\n\nOK\n",
			"2 tests",
			false,
		},
		"not a line":      {"xRan 2 tests in 0.1s\nRan 3 tests in 0.1s and more\n", "0 tests", false},
		"after long line": {strings.Repeat("x", 1<<16) + "\nRan 2 tests in 0.1s\n\nOK\n", "2 tests", false},
	} {
		t.Run(name, func(t *testing.T) {
			var whole, cut Unittest
			io.Copy(&whole, strings.NewReader(c.output))
			io.Copy(&cut, iotest.OneByteReader(strings.NewReader(c.output)))
			if got := whole.Report(); got.String() != c.want || got.None() != c.none {
				t.Errorf("got %q, none %v; want %q, %v", got, got.None(), c.want, c.none)
			}
			if whole.Report() != cut.Report() {
				t.Errorf("in one piece %+v, byte by byte %+v", whole.Report(), cut.Report())
			}
		})
	}
}

// TestSummariesAreCountedBetweenOtherOutput: two processes write to one stream, and each writes a
// line and its end separately.
func TestSummariesAreCountedBetweenOtherOutput(t *testing.T) {
	for output, want := range map[string]Report{
		"test ... ok\n":                {},
		"Ran 1 test in 0.520s\n\nOK\n": {Seen: true, Ran: 1, Runs: 1},
		"Ran 1 test in 0.520sRan 1 test in 0.520s\n\n\n\nOKOK\n":               {Runs: 2},
		"----Ran 1 test in 0.5s\n\nOK":                                         {Runs: 1},
		"Ran 1 test in 0.5s\n\nFAILED (errors=1)\nRan 2 tests in 0.5s\n\nOK\n": {Seen: true, Ran: 2, Runs: 2},
	} {
		var s Unittest
		io.Copy(&s, strings.NewReader(output))
		if got := s.Report(); got != want {
			t.Errorf("%q: got %+v, want %+v", output, got, want)
		}
	}
}

// FuzzUnittest checks that the report is the same in whatever pieces the output comes.
func FuzzUnittest(f *testing.F) {
	f.Add("...\nRan 3 tests in 0.001s\n\nFAILED (failures=1, unexpected successes=1, skipped=1)\n", uint(20))
	f.Add("Ran 99999999999999999999 tests in 1s\nOK (skipped=-1)\r\n", uint(3))
	f.Fuzz(func(t *testing.T, out string, cut uint) {
		var whole, pieces Unittest
		at := int(cut % uint(len(out)+1))
		for _, w := range []struct {
			s *Unittest
			p string
		}{{&whole, out}, {&pieces, out[:at]}, {&pieces, out[at:]}} {
			if n, err := w.s.Write([]byte(w.p)); n != len(w.p) || err != nil {
				t.Fatalf("Write took %d of %d bytes, %v", n, len(w.p), err)
			}
		}
		got := whole.Report()
		if got != pieces.Report() {
			t.Errorf("whole: %+v, in pieces: %+v", got, pieces.Report())
		}
		if min(got.Ran, got.Failures, got.Errors, got.UnexpectedSuccesses, got.Skipped) < 0 ||
			len(whole.partial) > maxLine {
			t.Errorf("%+v, %d bytes kept", got, len(whole.partial))
		}
	})
}
