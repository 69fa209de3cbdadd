package lastwords

import (
	"strings"

	"vivarium/pipeline/lines"
	"vivarium/pipeline/termtext"
)

// Tail keeps the last line that a program printed, whatever it says. The zero value is ready.
type Tail struct {
	lines lines.Cutter
	last  string
}

// Write takes the next piece of output. It never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.lines.Each(p, func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			t.last = s
		}
	})
	return len(p), nil
}

// Last is that line, for people; empty while there is none.
func (t *Tail) Last() string {
	last := strings.ToValidUTF8(t.last, "\uFFFD")
	return termtext.Line(strings.ToValidUTF8(last[:min(len(last), maxSaid)], ""))
}
