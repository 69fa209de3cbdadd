package server

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"vivarium/pipeline"
	"vivarium/server/store"
)

// logText turns a build's chunks, in order, into valid UTF-8. A character that is
// cut by a chunk's border comes whole with the later chunk; bytes that belong to no
// character become U+FFFD. stdout and stderr are decoded apart, since their chunks
// alternate.
type logText struct {
	plain   bool // make it harmless to look at: see terminal
	attempt int
	step    pipeline.StepName
	streams map[pipeline.Stream]*streamText
}

type streamText struct {
	carry    []byte // the beginning of a character, at most 3 bytes
	terminal terminal
}

func newLogText(plain bool) *logText {
	return &logText{plain: plain, streams: make(map[pipeline.Stream]*streamText)}
}

// text is what the next chunk adds.
func (l *logText) text(c store.Chunk) string {
	var out strings.Builder
	if c.Attempt != l.attempt || c.Step != l.step {
		out.WriteString(l.rest())
		l.attempt, l.step = c.Attempt, c.Step
	}
	st := l.streams[c.Stream]
	if st == nil {
		st = &streamText{}
		l.streams[c.Stream] = st
	}
	out.WriteString(st.decode(c.Data, l.plain))
	return out.String()
}

// rest is what the last chunks of a step left unfinished. It begins the next step.
func (l *logText) rest() string {
	cut := 0
	for _, st := range l.streams {
		if len(st.carry) > 0 {
			cut++
		}
	}
	l.streams = make(map[pipeline.Stream]*streamText)
	return strings.Repeat(string(utf8.RuneError), cut)
}

func (s *streamText) decode(data []byte, plain bool) string {
	p := append(s.carry, data...)
	whole := len(p) - cutRune(p)
	s.carry = bytes.Clone(p[whole:])
	text := strings.ToValidUTF8(string(p[:whole]), string(utf8.RuneError))
	if plain {
		return s.terminal.show(text)
	}
	return text
}

// cutRune is how many bytes at the end of p begin a character that p does not end.
func cutRune(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// validText is a step's log as valid UTF-8; a character that the cut split is left out.
func validText(log string, cut bool) string {
	if cut {
		log = log[:len(log)-cutRune([]byte(log[max(0, len(log)-utf8.UTFMax):]))]
	}
	return strings.ToValidUTF8(log, string(utf8.RuneError))
}

// terminal takes the power out of a text that was written for a terminal: escape
// sequences go, other control characters and those that turn the direction of
// writing become visible, line ends become \n. Its state lasts across chunks.
type terminal struct {
	state    terminalState
	returned bool // the last character was a carriage return
}

type terminalState uint8

const (
	ground  terminalState = iota
	escape                // after ESC
	control               // in a control sequence: ESC [ ... final byte (ECMA-48, 5.4)
	text                  // in a control string: ESC ] ... BEL or ESC \ (ECMA-48, 5.6)
)

func (t *terminal) show(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	for _, r := range s {
		t.next(&out, r)
	}
	return out.String()
}

func (t *terminal) next(out *strings.Builder, r rune) {
	if t.state != ground && t.consume(r) {
		return
	}
	if t.returned && r != '\r' {
		t.returned = false
		if r != '\n' {
			out.WriteByte('\n')
		}
	}
	switch {
	case r == '\x1b':
		t.state = escape
	case r == '\r':
		t.returned = true
	default:
		out.WriteString(visible(r))
	}
}

// consume reports whether r is part of an escape sequence. A line end always ends
// one, so that an unfinished sequence cannot hide the rest of the log.
func (t *terminal) consume(r rune) bool {
	if r == '\n' || r == '\r' {
		t.state = ground
		return false
	}
	switch t.state {
	case escape:
		t.state = afterEscape(r)
		return true
	case control:
		if r >= 0x40 && r <= 0x7e {
			t.state = ground
		}
		if r >= 0x20 && r <= 0x7e {
			return true
		}
	case text:
		switch r {
		case '\a', '\u009c':
			t.state = ground
		case '\x1b':
			t.state = escape
		}
		return true
	}
	t.state = ground
	return false
}

func afterEscape(r rune) terminalState {
	switch {
	case r == '[':
		return control
	case strings.ContainsRune("]PX^_", r):
		return text
	case r >= 0x20 && r <= 0x2f || r == '\x1b':
		return escape
	}
	return ground
}

// visible is r as it may be shown: printable as it is, control characters as their
// pictures or code points.
func visible(r rune) string {
	switch {
	case r == '\n' || r == '\t':
		return string(r)
	case r < 0x20:
		return string(0x2400 + r)
	case r == 0x7f:
		return "\u2421"
	case r >= 0x80 && r < 0xa0, turnsDirection(r):
		return fmt.Sprintf("⟨U+%04X⟩", r)
	}
	return string(r)
}

// turnsDirection reports whether r is one of Unicode's bidirectional controls, with
// which a line can be made to read as another (CVE-2021-42574).
func turnsDirection(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
