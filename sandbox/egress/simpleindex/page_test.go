package simpleindex

import (
	"context"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestPagesAreAnsweredAsTheClientLikesBest(t *testing.T) {
	pip := JSONType + ", " + HTMLType + "; q=0.1, text/html; q=0.01"
	for accept, want := range map[string]string{
		"": PlainType, "*/*": PlainType, "text/html": PlainType, pip: JSONType, JSONType: JSONType,
		HTMLType + ", " + JSONType + ";q=0.5": HTMLType, "application/vnd.pypi.simple.latest+json": JSONType,
		"image/png": "", JSONType + ";q=0": "", "nonsense/;;,text/html": PlainType,
	} {
		if got := Negotiate([]string{accept}); got != want {
			t.Errorf("Accept: %s gives %q, want %q", accept, got, want)
		}
	}
}

// parser is parseJSON or parseHTML.
type parser func(io.Reader, base, *linkList) error

// parsed are the files in a page.
func parsed(ctx context.Context, parse parser, text string, at *url.URL) ([]*File, error) {
	l, err := NewRooms(time.Second).enter(ctx)
	if err != nil {
		return nil, err
	}
	defer l.leave()
	err = parse(strings.NewReader(text), base{URL: at}, l)
	return l.files, err
}

func TestHostileLinksAreLeftOut(t *testing.T) {
	base, _ := url.Parse("https://index.example/simple/six/")
	page := `<base href="https://files.example/d/"><a href="six-1.tar.gz#sha256=` + strings.Repeat("A", 64) + `">x</a>
		<a href="javascript:alert(1)">six-2.tar.gz</a><a href="file:///etc/six-3.tar.gz">x</a>
		<a href="data:text/plain,six-4.tar.gz">x</a>
		<a href="/x/%2e%2e">x</a><a href="/a%2fb%0a.whl">x</a><a href="..">x</a>
		<a href="//u:p@other.example/six-5.tar.gz?t=1#md5=abc">x</a><a name="q">x</a>
		<A HREF='/six-6.tar.gz#sha256=short' data-core-metadata=true data-yanked>x</A>`
	files, err := parsed(t.Context(), parseHTML, page, base)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Name+" "+f.URL.String()+f.fragment())
	}
	want := []string{
		"six-1.tar.gz https://files.example/d/six-1.tar.gz#sha256=" + strings.Repeat("a", 64),
		"six-5.tar.gz https://other.example/six-5.tar.gz?t=1",
		"six-6.tar.gz https://files.example/six-6.tar.gz",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if f := files[2]; f.Metadata != "" || !f.yanked || f.yankedReason != "" {
		t.Errorf("metadata without a hash must not be offered, and a bare data-yanked counts: %+v", f)
	}
}

func TestAPageKeepsLittleOfItsAuthorsWords(t *testing.T) {
	const long = 16 << 10
	words := strings.Repeat("é", long/2)
	for _, c := range []struct {
		what string
		page string
		want int
	}{
		{
			"a yank's reason",
			`{"files": [{"filename": "a-1.tar.gz", "url": "a",` +
				`"yanked": "` + words + `", "upload-time": "` + words + `"}]}`,
			1,
		},
		{"a requirement", `{"files": [{"filename": "a-1.tar.gz", "url": "a", "requires-python": "` + words + `"}]}`, 0},
		{"an address", `{"files": [{"filename": "a-1.tar.gz", "url": "` + words + `"}]}`, 0},
	} {
		files, err := parsed(t.Context(), parseJSON, c.page, &url.URL{Scheme: "https", Host: "example.org"})
		if err != nil || len(files) != c.want {
			t.Errorf("%s: got %d files, %v; want %d", c.what, len(files), err, c.want)
			continue
		}
		for _, f := range files {
			if got := f.Memory(); got > 4<<10 || !utf8.ValidString(f.yankedReason) {
				t.Errorf("%s: a link takes %d bytes", c.what, got)
			}
		}
	}
}

func FuzzPages(f *testing.F) {
	f.Add(`<a href="six-1.tar.gz#sha256=00">six</a>`, false)
	f.Add(`{"meta":{"api-version":"1.1"},"name":"six",`+
		`"files":[{"filename":"six-1.tar.gz","url":"x","hashes":{},"yanked":true}]}`, true)
	at, _ := url.Parse("https://index.example/simple/six/")
	f.Fuzz(func(t *testing.T, text string, isJSON bool) {
		parse := parser(parseHTML)
		if isJSON {
			parse = parseJSON
		}
		files, err := parsed(t.Context(), parse, text, at)
		if err != nil {
			return
		}
		p := &Page{Project: "six", Files: files}
		var asJSON, asHTML strings.Builder
		if err := p.writeJSON(&asJSON); err != nil {
			t.Fatal(err)
		}
		if err := p.writeHTML(&asHTML); err != nil {
			t.Fatal(err)
		}
		for _, again := range []struct {
			text  string
			parse parser
		}{{asJSON.String(), parseJSON}, {asHTML.String(), parseHTML}} {
			local, err := parsed(t.Context(), again.parse, again.text, at)
			if err != nil || len(local) != len(files) {
				t.Fatalf("%d links became %d (%v):\n%s", len(files), len(local), err, again.text)
			}
			for i, l := range local {
				if l.URL.Host != at.Host || !strings.HasPrefix(l.URL.Path, FilesPath+files[i].ID+"/") ||
					l.Name != files[i].Name || l.SHA256() != files[i].SHA256() ||
					l.Metadata != files[i].Metadata || l.yanked != files[i].yanked {
					t.Errorf("%+v became %+v", files[i], l)
				}
			}
		}
	})
}
