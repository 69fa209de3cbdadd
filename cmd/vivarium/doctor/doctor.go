// Package doctor checks whether a machine and its settings can build: a line for each check, ok or
// what to do.
package doctor

import (
	"fmt"

	"vivarium/pipeline/termtext"
)

// Finding is what one check found.
type Finding struct {
	Level Level
	What  string
	Text  string // what there is, or what to do
}

// Level is how much a finding matters.
type Level string

const (
	Fine      Level = "ok"
	Advice    Level = "do"   // the server works without it
	Essential Level = "FAIL" // the server does not work without it
)

// Checkup is what one run of the doctor finds. The checks, functions, are made one after the other.
type Checkup struct {
	show   func(Finding)
	failed bool
}

// New begins a checkup that shows each finding at once.
func New(show func(Finding)) *Checkup { return &Checkup{show: show} }

// Add shows a finding, in one line.
func (c *Checkup) Add(l Level, what, format string, args ...any) {
	c.failed = c.failed || l == Essential
	c.show(Finding{l, what, termtext.OneLine(fmt.Sprintf(format, args...))})
}

// Failed reports whether something essential is missing.
func (c *Checkup) Failed() bool { return c.failed }

// count shows a number of things.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
