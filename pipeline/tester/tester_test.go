package tester

import (
	"testing"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/results"
	"vivarium/sandbox"
)

func TestStackIsTheInnermostLineInTheCheckout(t *testing.T) {
	const head = "Fatal Python error: Aborted\n\nCurrent thread 0x00007f7e9a7fd040 (most recent call first):\n"
	for name, c := range map[string]struct{ printed, want string }{
		"below the standard library": {
			head + "  File \"/usr/lib/python3.11/threading.py\", line 320 in wait\n  File \"" + sandbox.Workspace +
				"/tests/test_a.py\", line 9 in test_b\n  File \"" + sandbox.Workspace + "/run.py\", line 1 in <module>\n",
			"tests/test_a.py:9",
		},
		"another thread's": {
			"Thread 0x00007f (most recent call first):\n  File \"" + sandbox.Workspace + "/other.py\", line 2 in f\n\n" + head +
				"  File \"" + sandbox.Workspace + "/a.py\", line 3 in g\n",
			"a.py:3",
		},
		"none of the checkout": {head + "  File \"/usr/lib/python3.11/re.py\", line 1 in f\n", ""},
		"no stack":             {"  File \"" + sandbox.Workspace + "/a.py\", line 3 in g\n", ""},
	} {
		s := Stack{Root: sandbox.Workspace}
		for _, b := range []byte(c.printed) {
			s.Write([]byte{b})
		}
		if got := s.Place(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestABrokenRunBeginsWithItsTest(t *testing.T) {
	for want, b := range map[string]Broken{
		"t ended Python with exit code 0": {Test: "t"},
		"t ended Python by SIGSEGV (a.py:3); 1 test was not reached": {
			Test: "t", Signal: "SIGSEGV", Place: "a.py:3", Unreached: 1,
		},
		"t hangs: it took longer than 5 s; 12 tests were not reached": {
			Test: "t", Hung: "5 s", Signal: "SIGABRT", Unreached: 12,
		},
		"t was running: out of memory: 2 GiB limit; 2 tests were not reached": {
			Test: "t", Struck: "out of memory: 2 GiB limit", Unreached: 2,
		},
	} {
		if got := b.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTestsThatWereTakenOutAreMissing(t *testing.T) {
	run := func(s results.Summary) Told { return Told{Results: results.Run{Begun: true, Done: true, Summary: s}} }
	missing := results.Summary{Counts: results.Counts{Passed: 1}, NotReached: 2, Unreached: []string{"t.A.b", "t.A.c"}}
	const want = "t.A.b, and 1 more, was found and did not run: something took it out"
	if got := run(missing).Missing(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	red := missing
	red.Failed = 1
	stopped := run(missing)
	stopped.Results.Stopped = "stopping after 1 failures"
	for _, told := range []Told{run(results.Summary{Counts: results.Counts{Passed: 1}}), run(red), stopped} {
		if got := told.Missing(); got != "" {
			t.Errorf("%+v: %q", told.Results, got)
		}
	}
}

func TestWhatIsPrintedCountsOnlyWhereNothingIsReported(t *testing.T) {
	by := Program{Name: "unittest"}
	w := by.Watch(0, checkout.Command{})
	w.Print([]byte("Ran 9 tests in 0.1s\n\nOK\n"))
	if got := w.Told(sandbox.Result{}).Counts(); got.Ran != 9 {
		t.Errorf("the control: %+v", got)
	}
	w.Report([]byte(`{"e":"begin"}` + "\n" + `{"e":"end","id":"t","o":"failed","why":"AssertionError: 1 != 2"}` + "\n"))
	told := w.Told(sandbox.Result{})
	if got := told.Counts(); got.Ran != 1 || got.Failures != 1 || told.Found.Findings[0].Text != "1 != 2" {
		t.Errorf("got %+v, found %+v", got, told.Found)
	}
}
