package tester

import (
	"fmt"
	"regexp"
	"strings"

	"vivarium/pipeline/lines"
)

// Stack reads where in the checkout Python stood when it was ended, out of what faulthandler
// prints then.
type Stack struct {
	Root string // where the checkout stands in the sandbox

	lines   lines.Cutter
	reading bool
	place   string
}

var (
	// stackHead comes before the frames of the thread that was ended, the innermost one first.
	stackHead  = regexp.MustCompile(`^Current thread 0x[0-9a-f]+ (?:\[.*\] )?\(most recent call first\):$`)
	stackFrame = regexp.MustCompile(`^  File "([^"]+)", line (\d+) in `)
)

// Write takes the next piece of output. It never fails.
func (s *Stack) Write(p []byte) (int, error) {
	s.lines.Each(p, s.line)
	return len(p), nil
}

// Place is file and line; empty when nothing told them.
func (s *Stack) Place() string { return s.place }

func (s *Stack) line(text string) {
	if stackHead.MatchString(text) {
		s.reading, s.place = true, ""
		return
	}
	if !s.reading { // as in nearly all output
		return
	}
	m := stackFrame.FindStringSubmatch(text)
	if m == nil {
		s.reading = false
		return
	}
	if below, ok := strings.CutPrefix(m[1], s.Root+"/"); ok && s.place == "" {
		s.place = fmt.Sprintf("%s:%s", below, m[2])
	}
}
