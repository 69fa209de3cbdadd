package termtext

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFilterShowsControlCharactersAsPictures(t *testing.T) {
	f := Filter{Pictures: true}
	got := string(f.Write([]byte("a\x00\b\x7fb\tc\u0085d\u202ee\x1b[31mf")))
	if want := "a␀␈␡b\tc⟨U+0085⟩d⟨U+202E⟩ef"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFilterTellsOfACharacterThatIsCut(t *testing.T) {
	var f Filter
	for _, c := range []struct {
		piece      string
		unfinished bool
	}{{"a", false}, {"\xe2", true}, {"\x86", true}, {"\x92", false}} {
		if f.Write([]byte(c.piece)); f.Unfinished() != c.unfinished {
			t.Errorf("after %q: got %v, want %v", c.piece, f.Unfinished(), c.unfinished)
		}
	}
}

func TestLineIsOnePrintableLine(t *testing.T) {
	if got, want := Line("a\nb\x1b[31mc\u202ed é"), "a\ufffdb\ufffd[31mc\ufffdd é"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	long := Line(strings.Repeat("é", maxLine))
	if len(long) > maxLine+len("…") || !strings.HasSuffix(long, "…") || !utf8.ValidString(long) {
		t.Errorf("a long text became one of %d bytes, ending in %q", len(long), long[max(0, len(long)-8):])
	}
}

func TestOneLineIsOneShortLineWithoutPowerOverATerminal(t *testing.T) {
	for s, want := range map[string]string{
		"plain words":                  "plain words",
		"two\nlines\tand  \x1b[31mred": "two lines and red",
		"\x1b]0;title\x07shown":        "shown",
		strings.Repeat("é", 300):       strings.Repeat("é", maxWords/2) + "…",
	} {
		if got := OneLine(s); got != want {
			t.Errorf("%.40q: got %q, want %q", s, got, want)
		}
	}
}
