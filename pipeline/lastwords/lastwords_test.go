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
