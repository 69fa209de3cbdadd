package egress

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"vivarium/sandbox/egress/egresstest"
)

func TestEitherFormatUpstreamGivesEitherFormatWithAllAttributes(t *testing.T) {
	f := egresstest.Wheel("beta", "2.5", nil)
	f.RequiresPython = ">=3.8,<4"
	f.Yanked = `broken & "bad"`
	sdist := egresstest.Sdist("beta", "2.5", map[string]string{"setup.py": ""})
	for name, c := range map[string]egresstest.IndexConfig{"json": {}, "html": {HTMLOnly: true}} {
		t.Run(name, func(t *testing.T) {
			up := startIndex(t, c)
			up.Add(f, sdist)
			s, _ := newSession(t, newIndex(t, up, nil))

			res, body, err := request(t, s+"/simple/beta/", "Accept", jsonType)
			if err != nil || res.Header.Get("Content-Type") != jsonType {
				t.Fatalf("%v, %s", err, res.Header.Get("Content-Type"))
			}
			var p struct {
				Name  string
				Files []jsonFile
			}
			if err := json.Unmarshal(body, &p); err != nil || len(p.Files) != 2 {
				t.Fatalf("%v: %s", err, body)
			}
			got := p.Files[0]
			if p.Name != "beta" || got.Filename != f.Name || fmt.Sprint(got.Hashes) != "[{sha256 "+f.SHA256()+"}]" ||
				got.RequiresPython != f.RequiresPython || got.Yanked.reason != f.Yanked || len(got.CoreMetadata) != 64 {
				t.Errorf("got %+v of %s", got, body)
			}
			if p.Files[1].Filename != sdist.Name || p.Files[1].Yanked.yanked || p.Files[1].CoreMetadata != "" {
				t.Errorf("got %+v", p.Files[1])
			}

			res, body, err = request(t, s+"/simple/beta/", "Accept", "text/html")
			if err != nil || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
				t.Fatalf("%v, %s", err, res.Header.Get("Content-Type"))
			}
			want := regexp.MustCompile(`<a href="/files/[0-9a-f]{32}/beta-2\.5-py3-none-any\.whl#sha256=` + f.SHA256() +
				`" data-requires-python="&gt;=3\.8,&lt;4" data-yanked="broken &amp; &#34;bad&#34;"` +
				` data-core-metadata="sha256=[0-9a-f]{64}" data-dist-info-metadata="sha256=[0-9a-f]{64}">beta-2\.5-py3-none-any\.whl</a>`)
			if !want.Match(body) {
				t.Errorf("want %s in\n%s", want, body)
			}
		})
	}
}

func TestPagesAreAnsweredAsTheClientLikesBest(t *testing.T) {
	pip := jsonType + ", " + htmlType + "; q=0.1, text/html; q=0.01"
	for accept, want := range map[string]string{
		"": plainType, "*/*": plainType, "text/html": plainType, pip: jsonType, jsonType: jsonType,
		htmlType + ", " + jsonType + ";q=0.5": htmlType, "application/vnd.pypi.simple.latest+json": jsonType,
		"image/png": "", jsonType + ";q=0": "", "nonsense/;;,text/html": plainType,
	} {
		if got := negotiate([]string{accept}); got != want {
			t.Errorf("Accept: %s gives %q, want %q", accept, got, want)
		}
	}
}

// parsed is what a page has in it.
func parsed(ctx context.Context, parse func(io.Reader, base, *linkList) error, text string, at *url.URL) ([]*file, error) {
	l, err := newRooms().enter(ctx)
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
		<a href="javascript:alert(1)">six-2.tar.gz</a><a href="file:///etc/six-3.tar.gz">x</a><a href="data:text/plain,six-4.tar.gz">x</a>
		<a href="/x/%2e%2e">x</a><a href="/a%2fb%0a.whl">x</a><a href="..">x</a><a href="//u:p@other.example/six-5.tar.gz?t=1#md5=abc">x</a><a name="q">x</a>
		<A HREF='/six-6.tar.gz#sha256=short' data-core-metadata=true data-yanked>x</A>`
	files, err := parsed(t.Context(), parseHTML, page, base)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.name+" "+f.url.String()+f.fragment())
	}
	want := []string{
		"six-1.tar.gz https://files.example/d/six-1.tar.gz#sha256=" + strings.Repeat("a", 64),
		"six-5.tar.gz https://other.example/six-5.tar.gz?t=1",
		"six-6.tar.gz https://files.example/six-6.tar.gz",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if f := files[2]; f.metadata != "" || !f.yanked || f.yankedReason != "" {
		t.Errorf("metadata without a hash must not be offered, and a bare data-yanked counts: %+v", f)
	}
}

func TestAPageIsTransferredAgainOnlyWhenItChanged(t *testing.T) {
	up := startIndex(t, egresstest.IndexConfig{})
	up.Add(egresstest.Wheel("six", "1.0", nil))
	x := newIndex(t, up, nil)
	for range 2 {
		s, _ := newSession(t, x)
		if got := links(t, s, "six"); len(got) != 1 {
			t.Fatalf("links %v", got)
		}
	}
	if h := up.Requests()[1].Header; h.Get("If-None-Match") == "" {
		t.Errorf("the second request was %v, want it conditional", h)
	}
	up.Add(egresstest.Wheel("six", "2.0", nil))
	s, _ := newSession(t, x)
	if got := links(t, s, "six"); len(got) != 2 {
		t.Errorf("after a release: links %v, want both", got)
	}
}

func TestAFreshPageIsNotAskedForAgainAndMayComeCompressed(t *testing.T) {
	var asked atomic.Int32
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Cache-Control", "public, max-age=600")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `<a href="/f/six-1.tar.gz">six-1.tar.gz</a>`)
		z.Close()
	}))
	t.Cleanup(up.Close)
	u, _ := url.Parse(up.URL)
	x, err := NewIndex(IndexConfig{Upstream: u})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s, _ := newSession(t, x)
		if got := links(t, s, "six"); len(got) != 1 {
			t.Fatalf("links %v", got)
		}
	}
	if got := asked.Load(); got != 1 {
		t.Errorf("asked %d times, want once", got)
	}
}

func TestThePageCacheIsBounded(t *testing.T) {
	linked := func(project string, n, length int) *page {
		p := &page{project: project}
		for range n {
			p.files = append(p.files, &file{url: &url.URL{Path: strings.Repeat("a", length)}})
		}
		return p
	}
	var c pageCache
	half := maxCached / 2 / (fileCost + 2*1000 + 1)
	for _, project := range []string{"a", "b", "c", "a"} {
		c.put(linked(project, half, 1000))
	}
	if c.bytes > maxCached || len(c.pages) != 2 || c.get("a") == nil {
		t.Errorf("%d bytes in %d pages", c.bytes, len(c.pages))
	}
	for i := range maxCached / pageCost {
		c.put(linked(fmt.Sprint(i), 0, 0))
	}
	if c.bytes > maxCached || len(c.pages) >= maxCached/pageCost {
		t.Errorf("%d bytes in %d pages without files", c.bytes, len(c.pages))
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
		{"a yank's reason", `{"files": [{"filename": "a-1.tar.gz", "url": "a", "yanked": "` + words + `", "upload-time": "` + words + `"}]}`, 1},
		{"a requirement", `{"files": [{"filename": "a-1.tar.gz", "url": "a", "requires-python": "` + words + `"}]}`, 0},
		{"an address", `{"files": [{"filename": "a-1.tar.gz", "url": "` + words + `"}]}`, 0},
	} {
		files, err := parsed(t.Context(), parseJSON, c.page, &url.URL{Scheme: "https", Host: "example.org"})
		if err != nil || len(files) != c.want {
			t.Errorf("%s: got %d files, %v; want %d", c.what, len(files), err, c.want)
			continue
		}
		for _, f := range files {
			if got := f.memory(); got > 4<<10 || !utf8.ValidString(f.yankedReason) {
				t.Errorf("%s: a link takes %d bytes", c.what, got)
			}
		}
	}
}

func TestASessionsTableIsBounded(t *testing.T) {
	up := startIndex(t, egresstest.IndexConfig{})
	x := newIndex(t, up, nil)
	s := x.Session(func(string) {}, 0)
	all := &page{}
	for i := range maxLinks {
		all.files = append(all.files, &file{id: strconv.Itoa(i), url: &url.URL{}})
	}
	if _, err := s.learn(all); err != nil {
		t.Fatal(err)
	}
	if _, err := s.learn(all); err != nil {
		t.Errorf("a page that the session knows is refused: %v", err)
	}
	if _, err := s.learn(&page{files: []*file{{id: "a", url: &url.URL{}}}}); err == nil || len(s.links) != maxLinks {
		t.Errorf("got %v and %d links, want no more than the bound", err, len(s.links))
	}
}

func FuzzPages(f *testing.F) {
	f.Add(`<a href="six-1.tar.gz#sha256=00">six</a>`, false)
	f.Add(`{"meta":{"api-version":"1.1"},"name":"six","files":[{"filename":"six-1.tar.gz","url":"x","hashes":{},"yanked":true}]}`, true)
	at, _ := url.Parse("https://index.example/simple/six/")
	f.Fuzz(func(t *testing.T, text string, isJSON bool) {
		parse := parseHTML
		if isJSON {
			parse = parseJSON
		}
		files, err := parsed(t.Context(), parse, text, at)
		if err != nil {
			return
		}
		p := &page{project: "six", files: files}
		var asJSON, asHTML strings.Builder
		if err := p.writeJSON(&asJSON); err != nil {
			t.Fatal(err)
		}
		if err := p.writeHTML(&asHTML); err != nil {
			t.Fatal(err)
		}
		for _, again := range []struct {
			text  string
			parse func(io.Reader, base, *linkList) error
		}{{asJSON.String(), parseJSON}, {asHTML.String(), parseHTML}} {
			local, err := parsed(t.Context(), again.parse, again.text, at)
			if err != nil || len(local) != len(files) {
				t.Fatalf("%d links became %d (%v):\n%s", len(files), len(local), err, again.text)
			}
			for i, l := range local {
				if l.url.Host != at.Host || !strings.HasPrefix(l.url.Path, filesPath+files[i].id+"/") || l.name != files[i].name ||
					l.sha256() != files[i].sha256() || l.metadata != files[i].metadata || l.yanked != files[i].yanked {
					t.Errorf("%+v became %+v", files[i], l)
				}
			}
		}
	})
}
