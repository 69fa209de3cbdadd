// Package lastwords finds in the output of git or pip the line that says why it gave up.
package lastwords

import (
	"bytes"
	"regexp"

	"vivarium/pipeline/termtext"
	"vivarium/sandbox"
)

// Reader keeps the last line of stderr in which git or pip say why they gave up.
type Reader struct {
	line []byte
	said string
}

// Said is that line; empty while there is none.
func (w *Reader) Said() string { return w.said }

var givesUp = regexp.MustCompile(`^(?:fatal|error|ERROR): `)

// maxSaid bounds a line that goes into a summary, in bytes.
const maxSaid = 300

// Take takes the next piece of output.
func (w *Reader) Take(stream sandbox.Stream, p []byte) {
	if stream != sandbox.Stderr {
		return
	}
	for len(p) > 0 {
		text, rest, ended := bytes.Cut(p, []byte("\n"))
		w.line = append(w.line, text[:min(len(text), maxSaid-len(w.line))]...)
		if ended {
			if givesUp.Match(w.line) {
				w.said = termtext.Line(string(bytes.ToValidUTF8(bytes.TrimSpace(w.line), []byte("\uFFFD"))))
			}
			w.line = w.line[:0]
		}
		p = rest
	}
}
