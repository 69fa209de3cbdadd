package tester

import (
	"testing"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/results"
	"vivarium/sandbox"
)

// TestFailedCommandIsToldWithItsLastLine: an exit code alone tells nobody what to do.
func TestFailedCommandIsToldWithItsLastLine(t *testing.T) {
	own := Program{Name: "the repository's own command", Command: "make test", reports: either, Silent: true}
	for name, c := range map[string]struct {
		by     Program
		result sandbox.Result
		want   string
	}{
		"it fails":      {own, sandbox.Result{ExitCode: 2}, "`make test` ended with exit code 2: make: *** [x] Error 1"},
		"it is green":   {own, sandbox.Result{}, ""},
		"a signal":      {own, sandbox.Result{Signal: "SIGKILL"}, ""},
		"another tells": {Program{Name: "unittest"}, sandbox.Result{ExitCode: 2}, ""},
	} {
		w := c.by.Watch(0, checkout.Command{})
		w.Print([]byte("checking\nmake: *** [x] Error 1\n\n"))
		if got := w.Told(c.result).Found.Sentence(0); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// TestTestsOfARunAreToldFromThoseOfAnother: two folders may hold modules of one name.
func TestTestsOfARunAreToldFromThoseOfAnother(t *testing.T) {
	for number, below := range []string{"", "lesson2/"} {
		w := Program{Name: "unittest"}.Watch(number, checkout.Command{Below: below})
		tests := w.Report([]byte(`{"e":"plan","tests":["test_x.T.test_a"]}` + "\n" +
			`{"e":"start","id":"test_x.T.test_a"}` + "\n" + `{"e":"end","o":"failed","d":0}` + "\n"))
		told := w.Told(sandbox.Result{})
		if len(tests) != 1 || len(w.Red()) != 1 || len(w.Planned()) != 1 {
			t.Fatalf("got %+v, %+v", tests, w.Red())
		}
		for _, r := range []results.Test{tests[0], w.Red()[0]} {
			if want := below + "test_x.T.test_a"; r.Run != number || r.ID != want || w.Planned()[0] != want {
				t.Errorf("run %d: got run %d, %s of %s", number, r.Run, r.ID, w.Planned())
			}
		}
		if told.Results.Summary.NotReached != 0 {
			t.Errorf("not reached: %+v", told.Results.Summary)
		}
	}
}
