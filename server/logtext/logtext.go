// Package logtext makes a text for viewers out of the pieces of a build's log.
package logtext

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"vivarium/pipeline"
	"vivarium/pipeline/termtext"
	"vivarium/server/store/buildlog"
)

// Decoder turns a build's chunks, in order, into valid UTF-8. A character that is cut by a chunk's
// border comes whole with the later chunk; bytes that belong to no character become U+FFFD. stdout
// and stderr are decoded separately, since their chunks alternate.
type Decoder struct {
	plain   bool // make the text safe to show: see termtext.Filter
	attempt int
	step    pipeline.StepName
	streams map[pipeline.Stream]*streamText
}

type streamText struct {
	carry  []byte // the beginning of a character, at most 3 bytes; with plain, the filter keeps it
	filter termtext.Filter
}

// New makes a decoder; a plain one also makes the text safe to show.
func New(plain bool) *Decoder {
	return &Decoder{plain: plain, streams: make(map[pipeline.Stream]*streamText)}
}

// Text gives what the next chunk adds.
func (l *Decoder) Text(c buildlog.Chunk) string {
	var out strings.Builder
	if c.Attempt != l.attempt || c.Step != l.step {
		out.WriteString(l.rest())
		l.attempt, l.step = c.Attempt, c.Step
	}
	st := l.streams[c.Stream]
	if st == nil {
		st = &streamText{filter: termtext.Filter{Pictures: true}}
		l.streams[c.Stream] = st
	}
	out.WriteString(st.decode(c.Data, l.plain))
	return out.String()
}

// rest gives what the last chunks of a step left unfinished. The next step's text begins with it.
func (l *Decoder) rest() string {
	cut := 0
	for _, st := range l.streams {
		if len(st.carry) > 0 || st.filter.Unfinished() {
			cut++
		}
	}
	l.streams = make(map[pipeline.Stream]*streamText)
	return strings.Repeat(string(utf8.RuneError), cut)
}

func (s *streamText) decode(data []byte, plain bool) string {
	if plain {
		return string(s.filter.Write(data))
	}
	p := append(s.carry, data...)
	whole := len(p) - cutRune(p)
	s.carry = bytes.Clone(p[whole:])
	return strings.ToValidUTF8(string(p[:whole]), string(utf8.RuneError))
}

// cutRune is how many bytes at the end of p begin a character without ending it.
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

// Valid is a step's log as valid UTF-8, without a character that the cut split.
func Valid(log string, cut bool) string {
	if cut {
		log = log[:len(log)-cutRune([]byte(log[max(0, len(log)-utf8.UTFMax):]))]
	}
	return strings.ToValidUTF8(log, string(utf8.RuneError))
}
