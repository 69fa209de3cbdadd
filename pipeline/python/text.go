package python

import (
	"fmt"
	"strings"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/shell"
)

// Line writes a command as one could type it in the checkout, for people to read.
func Line(c checkout.Command) string {
	argv := c.Argv
	if c.Shown != nil {
		argv = c.Shown
	}
	line := shell.Line(argv)
	if len(c.Env) > 0 {
		line = shell.Line(c.Env) + " " + line
	}
	if c.Dir != "" {
		line = "cd " + shell.Line([]string{c.Dir}) + " && " + line
	}
	return line
}

// Lines writes several commands as one could type them in one line.
func Lines(commands []checkout.Command) string {
	lines := make([]string, len(commands))
	for i, c := range commands {
		lines[i] = Line(c)
		if c.Dir != "" && len(commands) > 1 {
			lines[i] = "(" + lines[i] + ")"
		}
	}
	return strings.Join(lines, " && ")
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// shorten lists names, at most three of them.
func shorten(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
