package sentence

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSentenceBeginsWithWhatMattersAndFits(t *testing.T) {
	long := strings.Repeat("tests.", 12) + "test_cart.TotalTest.test_discount"
	for _, c := range []struct {
		s    Sentence
		want string
	}{
		{
			Sentence{
				"tests.test_cart.TotalTest.test_discount", "90 != 100", "tests/test_cart.py:31", "and 2 more of 120",
			},
			"tests.test_cart.TotalTest.test_discount: 90 != 100 (tests/test_cart.py:31), and 2 more of 120",
		},
		{Sentence{Text: "No module named 'flask'", Place: "app.py:1"}, "No module named 'flask' (app.py:1)"},
		{Sentence{Subject: "app/x.py:12:5", Text: "F821 undefined name 'y'"}, "app/x.py:12:5: F821 undefined name 'y'"},
		{ // the folders go first
			Sentence{
				"test_a.T.test_b", strings.Repeat("word ", 18) + "end", "src/package/tests/unit/test_a.py:31", "and 2 more",
			},
			"test_a.T.test_b: " + strings.Repeat("word ", 18) + "end (test_a.py:31), and 2 more",
		},
		{ // then the text
			Sentence{"test_a.T.test_b", strings.Repeat("word ", 80), "tests/test_a.py:31", "and 2 more of 120"},
			"test_a.T.test_b: " + strings.Repeat("word ", 16) + "word… (test_a.py:31), and 2 more of 120",
		},
		{ // then the place, and the beginning of the name
			Sentence{long, strings.Repeat("word ", 80), "tests/test_cart.py:31", "and 2 more of 120"},
			"…tests.tests.tests.tests.tests.test_cart.TotalTest.test_discount: " + strings.Repeat("word ", 9) +
				"word…, and 2 more of 120",
		},
	} {
		got := c.s.String()
		if got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
		if n := utf8.RuneCountInString(got); n > Max {
			t.Errorf("%d characters: %s", n, got)
		}
	}
}

func FuzzSentenceFits(f *testing.F) {
	f.Add("a.b", "text", "x/y.py:3", "and 1 more")
	f.Add(strings.Repeat("ü", 300), strings.Repeat("x", 300), strings.Repeat("/", 300), strings.Repeat("y", 300))
	f.Fuzz(func(t *testing.T, subject, text, place, more string) {
		got := Sentence{subject, text, place, more}.String()
		if n := utf8.RuneCountInString(got); n > Max {
			t.Errorf("%d characters: %q", n, got)
		}
	})
}

func TestTextIsCutAtAWord(t *testing.T) {
	for text, want := range map[string]string{
		"twelve words":             "twelve words",
		"twelve words and more":    "twelve words…",
		strings.Repeat("ü", 30):    strings.Repeat("ü", 15) + "…",
		"a " + "longwordlongword!": "a longwordlongw…",
		"twelve word; xandmore":    "twelve word…",
	} {
		if got := Cut(text, 16); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
