// Package lines cuts a stream of a command's output into lines of bounded length.
package lines

import "bytes"

// Cutter keeps the line that has not ended yet. Of a line that is longer than Max bytes, only the
// beginning counts. The zero value is ready.
type Cutter struct {
	partial []byte
}

// Max bounds a line, in bytes.
const Max = 1000

// Each calls line with every line that p ends, without its line break.
func (c *Cutter) Each(p []byte, line func(string)) {
	for {
		text, rest, ended := bytes.Cut(p, []byte("\n"))
		c.partial = append(c.partial, text[:min(len(text), Max-len(c.partial))]...)
		if !ended {
			return
		}
		line(string(bytes.TrimSuffix(c.partial, []byte("\r"))))
		c.partial, p = c.partial[:0], rest
	}
}
