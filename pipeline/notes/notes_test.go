package notes

import (
	"strings"
	"testing"
)

func TestNotesAreBounded(t *testing.T) {
	var n Notes
	for range 10 * most {
		n.Add("x")
	}
	if lines := n.Drain(); len(lines) != most || !strings.Contains(lines[most-1], "left out") {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}
