package logtext

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"vivarium/pipeline"
	"vivarium/server/store/buildlog"
)

func chunk(seq int64, stream pipeline.Stream, data string) buildlog.Chunk {
	return buildlog.Chunk{Seq: seq, Attempt: 1, Step: pipeline.StepTest, Stream: stream, Data: []byte(data)}
}

func TestLogTextKeepsCharactersThatChunksCut(t *testing.T) {
	const want = "größer → 日本 🐍!"
	for size := 1; size < 5; size++ {
		l := New(false)
		var got strings.Builder
		for p, seq := want, int64(1); p != ""; seq++ {
			n := min(size, len(p))
			got.WriteString(l.Text(chunk(seq, pipeline.Stdout, p[:n])))
			p = p[n:]
		}
		if got.String() != want {
			t.Errorf("chunks of %d bytes: got %q, want %q", size, got.String(), want)
		}
	}
}

func TestLogTextDecodesStreamsApart(t *testing.T) {
	l := New(false)
	got := []string{
		l.Text(chunk(1, pipeline.Stdout, "\xe2\x86")),
		l.Text(chunk(2, pipeline.Stderr, "oops")),
		l.Text(chunk(3, pipeline.Stdout, "\x92 on")),
	}
	if want := []string{"", "oops", "→ on"}; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLogTextMarksBytesThatAreNoCharacter(t *testing.T) {
	l := New(false)
	if got, want := l.Text(chunk(1, pipeline.Stdout, "a\xffb\xc0c\xe2")), "a\ufffdb\ufffdc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	next := chunk(2, pipeline.Stdout, "lint")
	next.Step = pipeline.StepLint
	if got, want := l.Text(next), "\ufffdlint"; got != want {
		t.Errorf("after a step that ended inside a character: got %q, want %q", got, want)
	}
}

func TestPlainTextIsHarmless(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"colours", "\x1b[1;31mred\x1b[0m plain", "red plain"},
		{"cursor movement", "a\x1b[2J\x1b[1;1Hb", "ab"},
		{"window title", "a\x1b]0;owned\ab", "ab"},
		{"hyperlink ended by ST", "\x1b]8;;https://evil\x1b\\link\x1b]8;;\x1b\\", "link"},
		{"device control string", "a\x1bP1$r\x1b\\b", "ab"},
		{"character set", "a\x1b(Bb", "ab"},
		{"unfinished sequence ends with the line", "a\x1b]0;hidden\nshown", "a\nshown"},
		{"unfinished control sequence ends with the line", "a\x1b[31\nshown", "a\nshown"},
		{"DOS line ends", "one\r\ntwo\r\n", "one\ntwo\n"},
		{"progress by carriage return", "10%\r20%\r\r\n", "10%\n20%\n"},
		{"control characters", "a\x00\x08\x7fb\tc", "a␀␈␡b\tc"},
		{"C1 control", "a\u009b31mb", "a⟨U+009B⟩31mb"},
		{"direction of writing", "if \u202eadmin\u2066", "if ⟨U+202E⟩admin⟨U+2066⟩"},
		{"markup stays text", "<script>alert(1)</script>", "<script>alert(1)</script>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for size := 1; size <= len(c.in); size++ {
				l := New(true)
				var got strings.Builder
				for p, seq := c.in, int64(1); p != ""; seq++ {
					n := min(size, len(p))
					got.WriteString(l.Text(chunk(seq, pipeline.Stdout, p[:n])))
					p = p[n:]
				}
				if got.String() != c.want {
					t.Fatalf("chunks of %d bytes: got %q, want %q", size, got.String(), c.want)
				}
			}
		})
	}
}

func TestValidTextLeavesOutACutCharacter(t *testing.T) {
	for _, c := range []struct {
		in   string
		cut  bool
		want string
	}{
		{"abc→"[:5], true, "abc"},
		{"abc→", true, "abc→"},
		{"abc→"[:5], false, "abc\ufffd"},
		{"", true, ""},
		{"\xff", true, "\ufffd"},
	} {
		if got := Valid(c.in, c.cut); got != c.want {
			t.Errorf("Valid(%q, %v) = %q, want %q", c.in, c.cut, got, c.want)
		}
	}
}

// FuzzLogText: any bytes, cut anywhere, become valid text without power over a terminal, and the
// same text wherever they were cut.
func FuzzLogText(f *testing.F) {
	f.Add([]byte("a\x1b[31mb\xe2\x86\x92\r\n"), 3)
	f.Add([]byte("\x1b]0;x\x1b\\\xff\u202e"), 5)
	f.Fuzz(func(t *testing.T, data []byte, at int) {
		if at < 0 || at > len(data) {
			return
		}
		whole := New(true)
		want := whole.Text(chunk(1, pipeline.Stdout, string(data)))
		if !utf8.ValidString(want) {
			t.Errorf("%q became %q, which is not UTF-8", data, want)
		}
		if i := strings.IndexFunc(want, func(r rune) bool {
			return r < 0x20 && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
		}); i >= 0 {
			t.Errorf("%q became %q, with a control character at %d", data, want, i)
		}
		cut := New(true)
		got := cut.Text(chunk(1, pipeline.Stdout, string(data[:at]))) + cut.Text(chunk(2, pipeline.Stdout,
			string(data[at:])))
		if utf8.Valid(data) && got != want {
			t.Errorf("%q cut at %d became %q, uncut %q", data, at, got, want)
		}
	})
}
