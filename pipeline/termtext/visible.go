package termtext

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pictures is the first of Unicode's pictures of the control characters, that of U+0000.
const pictures = 0x2400

// visible appends r as it may be shown.
func (f *Filter) visible(out []byte, r rune) []byte {
	switch {
	case r == '\n' || r == '\t' || r >= ' ' && r < 0x7f:
		return append(out, byte(r))
	case unicode.Is(unicode.Bidi_Control, r): // these can make a line read as another (CVE-2021-42574)
		return codePoint(out, r)
	case r >= 0xa0:
		return utf8.AppendRune(out, r)
	case !f.Pictures:
		return out
	case r < ' ':
		return utf8.AppendRune(out, pictures+r)
	case r == 0x7f:
		return utf8.AppendRune(out, '\u2421')
	}
	return codePoint(out, r) // U+0080 to U+009F, which are control characters to a terminal, too
}

func codePoint(out []byte, r rune) []byte { return fmt.Appendf(out, "⟨U+%04X⟩", r) }

// maxLine bounds a line, in bytes: it becomes a build's summary, which lists of builds show.
const maxLine = 2000

// Line makes a repository's name or text harmless within a line of ours: it cannot begin a line of
// its own, sends a terminal no control sequence, and takes up no more than one line.
func Line(s string) string {
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// OneLine makes a stranger's words safe for one line of a terminal, and short.
func OneLine(s string) string {
	f := Filter{}
	clean := slices.Concat(f.Write([]byte(s)), f.Flush())
	words := strings.Join(strings.Fields(string(clean)), " ")
	if len(words) > maxWords {
		words = strings.ToValidUTF8(words[:maxWords], "") + "…"
	}
	return words
}

// maxWords bounds OneLine, in bytes.
const maxWords = 500
