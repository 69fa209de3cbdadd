package tester

import (
	"testing"

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
		w := c.by.Watch("")
		w.Print([]byte("checking\nmake: *** [x] Error 1\n\n"))
		if got := w.Told(c.result).Found.Sentence(0); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
