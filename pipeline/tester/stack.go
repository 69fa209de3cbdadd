package tester

import (
	"fmt"
	"regexp"
	"strings"
)

// Stack reads where in the checkout Python stood when it was ended, out of what faulthandler
// prints then.
type Stack struct {
	Root string // where the checkout stands in the sandbox

	partial []byte
	reading bool
	place   string
}

var (
	// stackHead comes before the frames of the thread that was ended, the innermost one first.
	stackHead  = regexp.MustCompile(`^Current thread 0x[0-9a-f]+ (?:\[.*\] )?\(most recent call first\):$`)
	stackFrame = regexp.MustCompile(`^  File "([^"]+)", line (\d+) in `)
)

// maxFrame bounds a line that is read, in bytes.
const maxFrame = 1000

// Write takes the next piece of output. It never fails.
func (s *Stack) Write(p []byte) (int, error) {
	for _, b := range p {
		switch {
		case b == '\n':
			s.line(string(s.partial))
			s.partial = s.partial[:0]
		case len(s.partial) < maxFrame:
			s.partial = append(s.partial, b)
		}
	}
	return len(p), nil
}

// Place is file and line; empty when nothing told them.
func (s *Stack) Place() string { return s.place }

func (s *Stack) line(text string) {
	if stackHead.MatchString(text) {
		s.reading, s.place = true, ""
		return
	}
	m := stackFrame.FindStringSubmatch(text)
	if m == nil {
		s.reading = false
		return
	}
	if below, ok := strings.CutPrefix(m[1], s.Root+"/"); ok && s.reading && s.place == "" {
		s.place = fmt.Sprintf("%s:%s", below, m[2])
	}
}
