package lastwords

import (
	"strings"
	"testing"

	"vivarium/sandbox"
)

func TestLastWordsAreTheLastReasonOnStderr(t *testing.T) {
	var w Reader
	for _, p := range []string{"remote: x\nerror: first\nfat", "al: sec\x1bond\n", "hint: y\n", "fatal: no newline"} {
		w.Take(sandbox.Stderr, []byte(p))
	}
	w.Take(sandbox.Stdout, []byte("\nfatal: on stdout\n"))
	if w.Said() != "fatal: sec\uFFFDond" {
		t.Errorf("got %q", w.Said())
	}
	w.Take(sandbox.Stderr, []byte("\nERROR: "+strings.Repeat("x", 10*maxSaid)+"\n"))
	if len(w.Said()) != maxSaid {
		t.Errorf("a line of %d bytes was kept, want %d", len(w.Said()), maxSaid)
	}
}

func TestTailIsTheLastLineThatSaysAnything(t *testing.T) {
	var tail Tail
	for _, p := range []string{"first\n", "make: *** [x] Err", "or 2\n", "  \n\n", "not ended"} {
		if _, err := tail.Write([]byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := tail.Last(), "make: *** [x] Error 2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := tail.Write([]byte(strings.Repeat("ü", maxSaid) + "\n")); err != nil || len(tail.Last()) > maxSaid {
		t.Errorf("%d bytes, %v", len(tail.Last()), err)
	}
}
