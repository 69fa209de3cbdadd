package mask

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
)

const token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"

// mask writes the pieces one after the other.
func mask(secrets []string, pieces ...string) string {
	m := New(secrets)
	var b strings.Builder
	for _, p := range pieces {
		b.Write(m.Write([]byte(p)))
	}
	b.Write(m.Flush())
	return b.String()
}

func TestSecretsAreReplaced(t *testing.T) {
	odd := `p@ss/wörd+"x" &=?`
	b64 := base64.StdEncoding.EncodeToString
	for name, c := range map[string]struct {
		secrets  []string
		in, want string
	}{
		"as it is":             {[]string{token}, "a " + token + " b", "a *** b"},
		"alone":                {[]string{token}, token, "***"},
		"twice":                {[]string{token}, token + token, "******"},
		"without any":          {nil, "a " + token, "a " + token},
		"too short":            {[]string{"", "abc12"}, "abc12", "abc12"},
		"shortest":             {[]string{"abc123"}, "xabc123x", "x***x"},
		"a beginning only":     {[]string{token}, token[:39] + "!", token[:39] + "!"},
		"one inside the other": {[]string{"abcdef", "xxabcdefxx"}, "xxabcdefxx xxabcdefx", "*** xx***x"},
		"overlapping":          {[]string{"abcdef", "defghi"}, "-abcdefghi-", "-***-"},
		"overlapping itself":   {[]string{"abcabc"}, "-abcabcabc-", "-***-"},
		"after a false start":  {[]string{"aaaaab"}, "aaaaaaaab", "aaa***"},
		"one ends in a longer": {[]string{"bcdefg", "abcdefgh"}, "abcdefg!", "a***!"},
		"basic authentication": {
			[]string{token},
			"Basic " + b64([]byte("x-access-token:"+token)),
			"Basic " + b64([]byte("x-access-token:")) + "***",
		},
		"hexadecimal":            {[]string{token}, hex.EncodeToString([]byte(token)), "***"},
		"HEXADECIMAL":            {[]string{token}, fmt.Sprintf("%X", token), "***"},
		"in a query":             {[]string{odd}, "?p=" + url.QueryEscape(odd), "?p=***"},
		"in a path":              {[]string{odd}, "/" + url.PathEscape(odd) + "/", "/***/"},
		"percent in lower case":  {[]string{odd}, lowerEscapes(url.QueryEscape(odd)), "***"},
		"bytes that are no text": {[]string{"\x00\xff\x80\n\r\t"}, "a\x00\xff\x80\n\r\tb", "a***b"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mask(c.secrets, c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got := mask(c.secrets, strings.Split(c.in, "")...); got != c.want {
				t.Errorf("byte by byte: got %q, want %q", got, c.want)
			}
		})
	}
}

func TestBase64IsFoundAtAnyPlace(t *testing.T) {
	secret := "s3cr3t?>~key\xfb\xff" // its base64 has + and / in the standard alphabet
	for _, enc := range []*base64.Encoding{
		base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding,
	} {
		for before := range 7 {
			for after := range 4 {
				text := strings.Repeat("b", before) + secret + strings.Repeat("a", after)
				encoded := enc.EncodeToString([]byte(text))
				got := mask([]string{secret}, encoded)
				// At most one character on each side also holds bits of the secret.
				if !strings.Contains(got, "***") ||
					len(strings.Replace(got, "***", "", 1)) > (before*8+5)/6+(after*8+5)/6+3 {
					t.Errorf("%d before, %d after: %q became %q", before, after, encoded, got)
				}
				if after == 0 && !strings.HasSuffix(got, "***") {
					t.Errorf("%d before: %q became %q: its end shows", before, encoded, got)
				}
			}
		}
	}
}

// wrap breaks text into lines of n columns, as base64 -w n does.
func wrap(text, lineBreak string, n int) string {
	var b strings.Builder
	for ; len(text) > n; text = text[n:] {
		b.WriteString(text[:n] + lineBreak)
	}
	return b.String() + text
}

func TestBase64IsFoundAcrossLines(t *testing.T) {
	for _, lineBreak := range []string{"\n", "\r\n"} {
		for _, columns := range []int{76, 64, 20, 7} {
			for before := range 80 {
				encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("b", before) + token + "after"))
				text := wrap(encoded, lineBreak, columns) + lineBreak
				got := mask([]string{token}, text)
				if cut := mask([]string{token}, strings.Split(text, "")...); cut != got {
					t.Fatalf("%d columns, %d before: in one piece %q, byte by byte %q", columns, before, got, cut)
				}
				// What is left of the secret must not be enough to recognize it.
				left := strings.NewReplacer("\r", "", "\n", "").Replace(got)
				// "after", padded, with the character that it shares
				most := (8*before+5)/6 + minHead - 1 + len("***") + 12
				if !strings.Contains(got, "***") || len(left) > most {
					t.Fatalf("%d columns, %d before: %q became %q", columns, before, text, got)
				}
			}
		}
	}
}

func TestLinesThatAreNoSecretStayAsTheyAre(t *testing.T) {
	first := base64.StdEncoding.EncodeToString([]byte(token))
	for _, text := range []string{
		first[:40] + "\n" + first[:40] + "\n",   // the beginning twice
		first[:40] + "\n\n" + first[40:],        // a blank line is no line break within base64
		first[:40] + "\r\r\n" + first[40:],      // nor is this
		first[:40] + " \n" + first[40:],         // nor a space
		strings.Repeat(first[:1]+"\n", 100),     // a letter a line
		strings.Repeat(first[:10]+"\r\n", 1000), // a possible beginning, again and again
	} {
		if got := mask([]string{token}, text); got != text {
			t.Errorf("%.80q became %.80q", text, got)
		}
		if got := mask([]string{token}, strings.Split(text, "")...); got != text {
			t.Errorf("byte by byte: %.80q became %.80q", text, got)
		}
	}
}

func TestALineThatEndsLikeASecretBeginsIsShownAtOnce(t *testing.T) {
	first := base64.StdEncoding.EncodeToString([]byte(token))
	for n := 1; n < minHead; n++ {
		line := "Downloading " + first[:n] + "\n"
		if got := New([]string{token}).Write([]byte(line)); string(got) != line {
			t.Errorf("got %q at once, want all of %q", got, line)
		}
	}
}

func TestOrdinaryOutputIsNotHeldBack(t *testing.T) {
	m := New([]string{token})
	if got := m.Write([]byte("Collecting six\n")); string(got) != "Collecting six\n" {
		t.Errorf("got %q at once, want all", got)
	}
	if got := m.Write([]byte("token: ghp")); string(got) != "token: " {
		t.Errorf("got %q, want only what cannot begin the secret", got)
	}
	if got := m.Write([]byte("!")); string(got) != "ghp!" {
		t.Errorf("got %q, want the rest as soon as it is no secret", got)
	}
}

func TestFlushShowsWhatIsKeptAndBeginsAnew(t *testing.T) {
	m := New([]string{token})
	if got := m.Write([]byte(token[:20])); len(got) != 0 {
		t.Errorf("showed %q", got)
	}
	if got := m.Flush(); string(got) != token[:20] {
		t.Errorf("flushed %q, want %q", got, token[:20])
	}
	if got := m.Write([]byte(token[20:])); string(got) != token[20:] {
		t.Errorf("after the flush: %q, want %q", got, token[20:])
	}
}

func TestStreamsThatShareTheirSecretsAreApart(t *testing.T) {
	secrets := Prepare([]string{token})
	one, two := secrets.Masker(), secrets.Masker()
	encoded := wrap(base64.StdEncoding.EncodeToString([]byte(token)), "\n", 20)
	var got [2]string
	for i := range len(encoded) {
		got[0] += string(one.Write([]byte(encoded[i : i+1])))
		got[1] += string(two.Write([]byte(encoded[i : i+1])))
	}
	got[0], got[1] = got[0]+string(one.Flush()), got[1]+string(two.Flush())
	if got != [2]string{"***", "***"} {
		t.Errorf("got %q", got)
	}
}

func TestMemoryIsBoundedByTheLongestForm(t *testing.T) {
	m := New([]string{"aaaaaa" + token})
	piece := bytes.Repeat([]byte("a"), 1<<10)
	for range 1 << 10 {
		m.Write(piece)
	}
	if len(m.held) > 200 || cap(m.held) > 4<<10 || len(m.spans) > 0 {
		t.Errorf("holds %d bytes (room for %d) and %d spans", len(m.held), cap(m.held), len(m.spans))
	}
	head := base64.StdEncoding.EncodeToString([]byte("aaaaaa" + token))[:40]
	piece = []byte(wrap(head, "\r\n", 1) + "\r\n")
	for range 1 << 10 {
		m.Write(piece)
	}
	if len(m.held) > 400 || cap(m.held) > 4<<10 || len(m.wrapped.breaks) > 200 || len(m.spans) > 0 {
		t.Errorf("of lines: holds %d bytes (room for %d), %d line breaks and %d spans",
			len(m.held), cap(m.held), len(m.wrapped.breaks), len(m.spans))
	}
}

// FuzzMasker checks, for any text, secrets and cuts, that no secret is shown, that cuts make no
// difference, and that text without secrets does not change.
func FuzzMasker(f *testing.F) {
	f.Add("pre"+token+"post", token, "second-secret", uint64(1))
	f.Add("abcabcabcabd", "abcabd", "bcabca", uint64(7))
	f.Add(strings.Repeat("a", 300)+"b", "aaaaaab", "aaaaaaaa", uint64(3))
	f.Add(base64.StdEncoding.EncodeToString([]byte("user:"+token)), token, "user:g", uint64(5))
	f.Add(wrap(base64.StdEncoding.EncodeToString([]byte("user:"+token)), "\n", 9), token, "user:g", uint64(5))
	f.Add("\x00\xff\x00\xff\x00\xff\x00", "\x00\xff\x00\xff\x00\xff", "\xff\x00\xff\x00\xff\x00", uint64(9))
	f.Fuzz(func(t *testing.T, text, a, b string, seed uint64) {
		if strings.Contains(a+b, "*") {
			t.Skip("what stands around *** may spell such a secret")
		}
		secrets := []string{a, b}
		whole := mask(secrets, text)
		cut := mask(secrets, pieces(text, seed)...)
		if whole != cut {
			t.Errorf("in one piece %q, in several %q", whole, cut)
		}
		clean := true
		joined := strings.NewReplacer("\r", "", "\n", "").Replace(text)
		for _, p := range base64Patterns(secrets) {
			if !strings.Contains(text, p) && strings.Contains(joined, p) {
				return // broken into lines, or nearly so: only that the cuts make no difference can be checked
			}
		}
		for _, p := range patterns(secrets) {
			if strings.Contains(whole, p) {
				t.Errorf("%q shows %q", whole, p)
			}
			clean = clean && !strings.Contains(text, p)
		}
		if clean && whole != text {
			t.Errorf("%q became %q without a secret in it", text, whole)
		}
		if !clean && !strings.Contains(whole, replacement) {
			t.Errorf("%q has a secret and became %q", text, whole)
		}
	})
}

// pieces cuts text at places that follow from seed.
func pieces(text string, seed uint64) []string {
	rnd := rand.New(rand.NewPCG(seed, 0))
	var out []string
	for text != "" {
		n := min(len(text), rnd.IntN(9))
		out, text = append(out, text[:n]), text[n:]
	}
	return out
}

func BenchmarkMasker(b *testing.B) {
	var secrets []string
	for i := range 5 {
		secrets = append(secrets, fmt.Sprintf("%s%d", token, i))
	}
	line := "  Downloading https://127.0.0.1:8080/files/0123456789abcdef/requests-2.31.0-py3-none-any.whl (62 kB)\n"
	for name, text := range map[string]string{
		"text":    strings.Repeat(line, 640),
		"secrets": strings.Repeat(line+secrets[2]+"\n", 450),
		"base64":  strings.Repeat(base64.StdEncoding.EncodeToString([]byte(line)), 480),
	} {
		b.Run(name, func(b *testing.B) {
			p := []byte(text)
			m := New(secrets)
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				m.Write(p)
			}
		})
	}
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			New(secrets)
		}
	})
}
