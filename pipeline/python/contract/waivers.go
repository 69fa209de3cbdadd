package contract

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxSaid bounds a line that is kept, in bytes.
const maxSaid = 1024

// Waivers reads from what flake8.py writes to stderr what the repository's comments keep from being
// told. The zero value is ready.
type Waivers struct {
	line     []byte
	problems int // by # noqa
	files    int // by # flake8: noqa
}

var passedOver = regexp.MustCompile(`^passed over by # noqa: (\d{1,9})$`)

// Write takes the next piece of output. It never fails.
func (w *Waivers) Write(p []byte) (int, error) {
	whole := len(p)
	for {
		text, rest, ended := bytes.Cut(p, []byte("\n"))
		w.line = append(w.line, text[:min(len(text), maxSaid-len(w.line))]...)
		if !ended {
			return whole, nil
		}
		if m := passedOver.FindSubmatch(w.line); m != nil {
			n, _ := strconv.Atoi(string(m[1]))
			w.problems += n
		} else if bytes.HasSuffix(w.line, []byte(": not checked, by # flake8: noqa")) {
			w.files++
		}
		w.line, p = w.line[:0], rest
	}
}

// String tells people of them; it is empty where there are none.
func (w *Waivers) String() string {
	var parts []string
	if w.problems > 0 {
		parts = append(parts, fmt.Sprintf("problems passed over by # noqa: %d", w.problems))
	}
	if w.files > 0 {
		parts = append(parts, fmt.Sprintf("files passed over by # flake8: noqa: %d", w.files))
	}
	return strings.Join(parts, ", ")
}
