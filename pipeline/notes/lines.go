package notes

import "strings"

// Lines is a Writer that passes on whole lines.
type Lines struct {
	Say func(line string) error
	Err error // the first of Say's, after which nothing is passed on

	line strings.Builder
}

// Write takes the next piece of text.
func (w *Lines) Write(p []byte) (int, error) {
	for _, b := range p {
		if b != '\n' {
			w.line.WriteByte(b)
			continue
		}
		if w.Err == nil {
			w.Err = w.Say(w.line.String())
		}
		w.line.Reset()
	}
	return len(p), w.Err
}
