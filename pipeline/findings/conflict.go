package findings

import "regexp"

// Conflict reads in pip's standard output which constraints contradict what is asked for, or the
// index.
type Conflict struct {
	lines lines
	names []string
}

// constrained is one of the reasons that pip gives for a conflict.
var constrained = regexp.MustCompile(`^\s+The user requested \(constraint\) (.+)$`)

// Write takes the next piece of output. It never fails.
func (c *Conflict) Write(p []byte) (int, error) {
	c.lines.each(p, func(s string) {
		if m := constrained.FindStringSubmatch(s); m != nil && len(c.names) < most {
			c.names = append(c.names, normalized(m[1]))
		}
	})
	return len(p), nil
}

// Names are the projects, by their normalized names, whose constraints pip names.
func (c *Conflict) Names() []string { return c.names }
