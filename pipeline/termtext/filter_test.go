package termtext

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func filtered(colour bool, pieces ...string) string {
	f := Filter{Colour: colour}
	var out []byte
	for _, p := range pieces {
		out = append(out, f.Write([]byte(p))...)
	}
	return string(append(out, f.Flush()...))
}

func TestFilterPassesTextAndColours(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain text", "Ran 3 tests\n\tOK\n", "Ran 3 tests\n\tOK\n"},
		{"other languages", "日本語 é 🙂\n", "日本語 é 🙂\n"},
		{"colours", "\x1b[31mred\x1b[0m \x1b[1;38;5;12mblue\x1b[m\n", "\x1b[31mred\x1b[0m \x1b[1;38;5;12mblue\x1b[m\n"},
		{"colour with colons", "\x1b[38:2::1:2:3mx\x1b[0m", "\x1b[38:2::1:2:3mx\x1b[0m"},
		{"a colour left on is reset at the end", "\x1b[31mred", "\x1b[31mred\x1b[0m"},
		{"Windows line ends", "a\r\nb\r\n", "a\nb\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := filtered(true, tc.in); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestFilterRemovesAllOtherControl(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"cursor movement", "a\x1b[2Ab\x1b[10;10Hc", "abc"},
		{"erasing", "a\x1b[2Jb\x1b[Kc", "abc"},
		{"private modes", "a\x1b[?1049hb\x1b[?25lc", "abc"},
		{"key modifiers, which end in m", "a\x1b[>4;2mb", "ab"},
		{"intermediate bytes before m", "a\x1b[1 mb", "ab"},
		{"window title", "a\x1b]0;title\x07b", "ab"},
		{"clipboard", "a\x1b]52;c;ZXZpbA==\x1b\\b", "ab"},
		{"hyperlink", "a\x1b]8;;http://example.org\x1b\\b\x1b]8;;\x1b\\c", "abc"},
		{"device control", "a\x1bP+q544e\x1b\\b", "ab"},
		{"string left open ends with its line", "a\x1b]0;hidden\nshown", "a\nshown"},
		{"string left open does not hide a colour's ESC", "a\x1b]0;x\x1b[31mstill hidden\nb", "a\nb"},
		{"reset of the terminal", "a\x1bcb", "ab"},
		{"character sets", "a\x1b(0b", "ab"},
		{"carriage return cannot overwrite", "FAILED\rpassed\n", "FAILED\npassed\n"},
		{"backspace and bell", "a\bb\ac\x00d\x7f", "abcd"},
		{"C1 in UTF-8", "a\u009b2Jb\u0085c", "a2Jbc"},
		{"C1 in 8 bits", "a\x9b2Jb", "a\ufffd2Jb"},
		{"turning the direction", "a\u202eb\u2066c\u200fd", "a⟨U+202E⟩b⟨U+2066⟩c⟨U+200F⟩d"},
		{"overlong parameters", "a\x1b[" + strings.Repeat("1;", 100) + "mb", "ab"},
		{"unfinished at the end", "a\x1b[31", "a"},
		{"ESC twice", "a\x1b\x1b[31mb", "a\x1b[31mb\x1b[0m"},
		{"newline within a sequence", "a\x1b[3\nb", "a\nb"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := filtered(true, tc.in); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestFilterWithoutColourRemovesIt(t *testing.T) {
	if got, want := filtered(false, "\x1b[31mred\x1b[0m\n"), "red\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

var allowedSGR = regexp.MustCompile("\x1b\\[[0-9;:]{0,64}m")

// FuzzFilter checks what must hold for any output, however it is cut.
func FuzzFilter(f *testing.F) {
	f.Add([]byte("a\x1b[31mred\x1b[0m\r\nb\x1b]0;t\x07"), 3)
	f.Add([]byte("\xe6\x97\xa5\x9b2J\x1b[>4;2m\r"), 1)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		whole := filtered(true, string(in))
		if n := min(max(cut, 0), len(in)); whole != filtered(true, string(in[:n]), string(in[n:])) {
			t.Errorf("cut at %d gives another result: %q", n, whole)
		}
		if bytewise := filtered(true, slices.Collect(eachByte(in))...); whole != bytewise {
			t.Errorf("byte by byte: got %q, want %q", bytewise, whole)
		}
		rest := allowedSGR.ReplaceAllString(whole, "")
		control := func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 }
		if i := strings.IndexFunc(rest, control); i >= 0 || !utf8.ValidString(rest) {
			t.Errorf("control character or bad UTF-8 in %q", rest)
		}
		if bytes.ContainsRune([]byte(filtered(false, string(in))), esc) {
			t.Error("ESC in output without colour")
		}
	})
}

func eachByte(b []byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, c := range b {
			if !yield(string([]byte{c})) {
				return
			}
		}
	}
}
