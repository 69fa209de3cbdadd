package names

import (
	"strings"
	"unicode"
)

// Bounds on free texts, in characters.
const (
	MaxAuthor  = 100
	maxMessage = 250
)

// Headline is the first line of a message.
func Headline(message string) string {
	line, _, _ := strings.Cut(strings.TrimLeft(message, "\r\n"), "\n")
	return Clean(line, maxMessage)
}

// Clean makes a stranger's text fit for one line of a page, a log or a terminal.
func Clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case isControl(r):
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if runes := []rune(s); len(runes) > limit {
		s = strings.TrimSpace(string(runes[:limit-1])) + "…"
	}
	return s
}

// isControl reports whether r is a control character, any line break, or a character that changes
// the direction of the text around it.
func isControl(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar ||
		r == '\u2028' || r == '\u2029'
}
