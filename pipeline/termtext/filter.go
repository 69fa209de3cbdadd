// Package termtext shows text that was written for a terminal, and that its writer may have made to
// deceive: a build's output on pages, in raw logs and on the command line, and a repository's words
// within one line of ours.
package termtext

import (
	"bytes"
	"unicode/utf8"
)

// Reset is the sequence that ends all colours (SGR 0, ECMA-48 8.3.117).
const Reset = "\x1b[0m"

// Filter makes output harmless to look at. Of all escape sequences only SGR (colours and the like,
// ECMA-48 8.3.117) can pass, and of the control characters only newline and tab. A carriage return
// that is not part of a line's end becomes a newline, so that no line can overwrite another. Bytes
// that are not UTF-8 become U+FFFD. The output may come in any pieces; the result is the same.
type Filter struct {
	Colour   bool // SGR passes; otherwise it is dropped too
	Pictures bool // a control character is shown as its picture or code point; otherwise it is dropped

	state    state
	params   []byte // of the control sequence in progress
	rune     []byte // an incomplete UTF-8 sequence
	returned bool   // the last character was a carriage return
	dyed     bool   // an SGR has passed, and no reset since
}

type state uint8

const (
	ground        state = iota
	escape              // after ESC
	control             // in a control sequence: ESC [ … final byte (ECMA-48, 5.4)
	command             // in a command string: ESC ] and the like, up to BEL, ST or the line's end (ECMA-48, 5.6)
	commandEscape       // after ESC in a command string
)

const (
	esc                = '\x1b'
	stringTerminator   = '\u009c' // ST in one character
	maxParameters      = 64       // bytes; a longer sequence is no colour
	longestRuneInBytes = utf8.UTFMax
)

// Write takes the next piece and returns what may be shown of it.
func (f *Filter) Write(p []byte) []byte {
	out := make([]byte, 0, len(p)+longestRuneInBytes)
	for _, c := range p {
		out = f.take(out, c)
	}
	return out
}

// Flush ends the output: it drops an incomplete escape sequence, turns an incomplete character into
// U+FFFD, and resets colours. After that the filter is as new.
func (f *Filter) Flush() []byte {
	out := f.endRune(nil)
	if f.returned {
		out = append(out, '\n')
	}
	if f.dyed {
		out = append(out, Reset...)
	}
	*f = Filter{Colour: f.Colour, Pictures: f.Pictures}
	return out
}

// Unfinished reports whether the output so far ends inside a character.
func (f *Filter) Unfinished() bool { return len(f.rune) > 0 }

// take assembles bytes into characters. A terminal may take a lone byte from 0x80 on for a control
// character.
func (f *Filter) take(out []byte, c byte) []byte {
	if len(f.rune) > 0 && utf8.RuneStart(c) {
		out = f.endRune(out)
	}
	if len(f.rune) == 0 && c < utf8.RuneSelf {
		return f.next(out, rune(c))
	}
	f.rune = append(f.rune, c)
	if !utf8.FullRune(f.rune) {
		return out
	}
	r, n := utf8.DecodeRune(f.rune)
	rest := bytes.Clone(f.rune[n:])
	f.rune = f.rune[:0]
	out = f.next(out, r)
	for _, c := range rest {
		out = f.take(out, c)
	}
	return out
}

func (f *Filter) endRune(out []byte) []byte {
	if len(f.rune) == 0 {
		return out
	}
	f.rune = f.rune[:0]
	return f.next(out, utf8.RuneError)
}

// next takes one character. A line's end ends every sequence, so that an unfinished one cannot hide
// the rest of a log.
func (f *Filter) next(out []byte, r rune) []byte {
	if r == '\n' || r == '\r' {
		f.state = ground
	}
	switch f.state {
	case escape:
		return f.afterEscape(out, r)
	case control:
		return f.inControl(out, r)
	case command, commandEscape:
		f.inCommand(r)
		return out
	}
	return f.inText(out, r)
}

func (f *Filter) inText(out []byte, r rune) []byte {
	if f.returned && r != '\r' {
		f.returned = false
		if r != '\n' {
			out = append(out, '\n')
		}
	}
	switch r {
	case '\r':
		f.returned = true
	case esc:
		f.state = escape
	default:
		out = f.visible(out, r)
	}
	return out
}

func (f *Filter) afterEscape(out []byte, r rune) []byte {
	switch {
	case r == '[':
		f.state, f.params = control, f.params[:0]
	case r == ']' || r == 'P' || r == 'X' || r == '^' || r == '_':
		f.state = command
	case r >= ' ' && r < '0': // an intermediate byte: the final one is still to come
	case r >= '0' && r < 0x7f:
		f.state = ground
	default:
		f.state = ground
		return f.inText(out, r)
	}
	return out
}

func (f *Filter) inControl(out []byte, r rune) []byte {
	switch {
	case r >= ' ' && r <= '?':
		if len(f.params) <= maxParameters {
			f.params = append(f.params, byte(r))
		}
	case r >= '@' && r < 0x7f:
		f.state = ground
		if r == 'm' && f.Colour && isSGR(f.params) {
			f.dyed = !isReset(f.params)
			out = append(append(append(out, esc, '['), f.params...), 'm')
		}
	default:
		f.state = ground
		return f.inText(out, r)
	}
	return out
}

// isSGR tells parameters of SGR from private ones, such as those of ESC [ > 4 ; 2 m, which changes
// what keys send.
func isSGR(params []byte) bool {
	if len(params) > maxParameters {
		return false
	}
	for _, c := range params {
		if (c < '0' || c > '9') && c != ';' && c != ':' {
			return false
		}
	}
	return true
}

func isReset(params []byte) bool { return len(params) == 0 || string(params) == "0" }

// inCommand skips a command string.
func (f *Filter) inCommand(r rune) {
	switch {
	case r == '\a' || r == stringTerminator || f.state == commandEscape && r == '\\':
		f.state = ground
	case r == esc:
		f.state = commandEscape
	default:
		f.state = command
	}
}
