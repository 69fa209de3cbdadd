package main

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// sgrFilter makes a build's output safe to show in a terminal: of all escape sequences
// only SGR (colours and the like, ECMA-48 8.3.117) can pass, and of the control
// characters only newline and tab. A carriage return that does not belong to a line's
// end becomes a newline, so that a line cannot be overwritten by another. The output may
// come in any pieces.
type sgrFilter struct {
	colour bool // let SGR pass; else it goes too

	state  sgrState
	params []byte // of the control sequence being read
	rune   []byte // an incomplete UTF-8 sequence
	cr     bool   // the last byte was a carriage return
	dyed   bool   // an SGR has passed that no reset followed
}

type sgrState uint8

const (
	sgrText    sgrState = iota
	sgrEscape           // after ESC
	sgrControl          // in a control sequence, after ESC [
	sgrString           // in a command string (OSC, DCS and their kin), up to BEL, ST or the line's end
	sgrStringEscape
)

const (
	esc       = 0x1b
	sgrReset  = "\x1b[0m"
	maxParams = 64 // longer ones are no colour
)

// Write takes the next piece and returns what may be shown of it. The result is valid
// until p changes or the next call.
func (f *sgrFilter) Write(p []byte) []byte {
	out := make([]byte, 0, len(p)+len(f.rune)+1)
	for _, c := range p {
		out = f.next(out, c)
	}
	return out
}

// Flush ends the output: what is incomplete is dropped, and colours are reset.
func (f *sgrFilter) Flush() []byte {
	out := f.endRune(nil)
	if f.cr {
		out = append(out, '\n')
	}
	if f.dyed {
		out = append(out, sgrReset...)
	}
	*f = sgrFilter{colour: f.colour}
	return out
}

func (f *sgrFilter) next(out []byte, c byte) []byte {
	switch f.state {
	case sgrEscape:
		return f.afterEscape(out, c)
	case sgrControl:
		return f.inControl(out, c)
	case sgrString, sgrStringEscape:
		return f.inString(out, c)
	}
	return f.inText(out, c)
}

func (f *sgrFilter) inText(out []byte, c byte) []byte {
	if c >= utf8.RuneSelf {
		return f.inRune(f.endLine(out), c)
	}
	out = f.endRune(out)
	if c == '\n' {
		f.cr = false
		return append(out, c)
	}
	out = f.endLine(out)
	switch {
	case c == '\r':
		f.cr = true
	case c == esc:
		f.state = sgrEscape
	case c == '\t' || c >= ' ' && c < 0x7f:
		out = append(out, c)
	}
	return out
}

// endLine turns a carriage return that no newline followed into one.
func (f *sgrFilter) endLine(out []byte) []byte {
	if f.cr {
		f.cr = false
		out = append(out, '\n')
	}
	return out
}

// inRune collects a character of several bytes. What is not UTF-8 is shown as U+FFFD: a
// lone byte from 0x80 on can be a control character to a terminal. So can U+0080 to U+009F.
func (f *sgrFilter) inRune(out []byte, c byte) []byte {
	if len(f.rune) > 0 && utf8.RuneStart(c) {
		out = f.endRune(out)
	}
	f.rune = append(f.rune, c)
	if !utf8.FullRune(f.rune) {
		return out
	}
	r, n := utf8.DecodeRune(f.rune)
	rest := bytes.Clone(f.rune[n:])
	f.rune = f.rune[:0]
	switch {
	case unicode.Is(unicode.Bidi_Control, r): // with these a line can be made to read as another
		out = fmt.Appendf(out, "⟨U+%04X⟩", r)
	case r >= 0xa0:
		out = utf8.AppendRune(out, r)
	}
	for _, c := range rest {
		out = f.inRune(out, c)
	}
	return out
}

func (f *sgrFilter) endRune(out []byte) []byte {
	if len(f.rune) > 0 {
		f.rune = f.rune[:0]
		out = utf8.AppendRune(out, utf8.RuneError)
	}
	return out
}

func (f *sgrFilter) afterEscape(out []byte, c byte) []byte {
	switch {
	case c == '[':
		f.state, f.params = sgrControl, f.params[:0]
	case c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_':
		f.state = sgrString
	case c >= ' ' && c < '0': // an intermediate byte: the final one is still to come
	case c >= '0' && c < 0x7f:
		f.state = sgrText
	default:
		f.state = sgrText
		return f.inText(out, c)
	}
	return out
}

func (f *sgrFilter) inControl(out []byte, c byte) []byte {
	switch {
	case c >= ' ' && c <= '?':
		if len(f.params) <= maxParams {
			f.params = append(f.params, c)
		}
	case c >= '@' && c < 0x7f:
		f.state = sgrText
		if c == 'm' && f.colour && isSGR(f.params) {
			f.dyed = !isReset(f.params)
			out = append(append(append(out, esc, '['), f.params...), c)
		}
	default:
		f.state = sgrText
		return f.inText(out, c)
	}
	return out
}

// isSGR tells parameters of SGR from private ones, such as those of ESC [ > 4 ; 2 m,
// which changes what keys send.
func isSGR(params []byte) bool {
	if len(params) > maxParams {
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

// inString skips a command string. It ends with the line at the latest, so that one that
// is left open cannot hide the rest of a log.
func (f *sgrFilter) inString(out []byte, c byte) []byte {
	switch {
	case c == '\n':
		f.state = sgrText
		return f.inText(out, c)
	case c == 0x07 || f.state == sgrStringEscape && c == '\\':
		f.state = sgrText
	case c == esc:
		f.state = sgrStringEscape
	default:
		f.state = sgrString
	}
	return out
}
