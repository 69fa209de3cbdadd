package egress

import (
	"compress/gzip"
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

	"vivarium/sandbox/egress/egresstest"
	"vivarium/sandbox/egress/simpleindex"
)

func TestEitherFormatUpstreamGivesEitherFormatWithAllAttributes(t *testing.T) {
	f := egresstest.Wheel("beta", "2.5", nil)
	f.RequiresPython = ">=3.8,<4"
	f.Yanked = `broken & "bad"`
	sdist := egresstest.Sdist("beta", "2.5", map[string]string{"setup.py": ""})
	for name, c := range map[string]egresstest.IndexConfig{"json": {}, "html": {HTMLOnly: true}} {
		t.Run(name, func(t *testing.T) {
			up := egresstest.IndexFor(t, c)
			up.Add(f, sdist)
			s, _ := newSession(t, newIndex(t, up, nil))

			res, body, err := request(t, s+"/simple/beta/", "Accept", simpleindex.JSONType)
			if err != nil || res.Header.Get("Content-Type") != simpleindex.JSONType {
				t.Fatalf("%v, %s", err, res.Header.Get("Content-Type"))
			}
			var p struct {
				Name  string
				Files []struct {
					Filename       string
					Hashes         map[string]string
					RequiresPython string            `json:"requires-python"`
					Yanked         any               // false, or the reason
					CoreMetadata   map[string]string `json:"core-metadata"`
				}
			}
			if err := json.Unmarshal(body, &p); err != nil || len(p.Files) != 2 {
				t.Fatalf("%v: %s", err, body)
			}
			got := p.Files[0]
			if p.Name != "beta" || got.Filename != f.Name || fmt.Sprint(got.Hashes) != "map[sha256:"+f.SHA256()+"]" ||
				got.RequiresPython != f.RequiresPython || got.Yanked != f.Yanked ||
				len(got.CoreMetadata["sha256"]) != 64 {
				t.Errorf("got %+v of %s", got, body)
			}
			if p.Files[1].Filename != sdist.Name || p.Files[1].Yanked != nil || p.Files[1].CoreMetadata != nil {
				t.Errorf("got %+v", p.Files[1])
			}

			res, body, err = request(t, s+"/simple/beta/", "Accept", "text/html")
			if err != nil || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
				t.Fatalf("%v, %s", err, res.Header.Get("Content-Type"))
			}
			want := regexp.MustCompile(`<a href="/files/[0-9a-f]{32}/beta-2\.5-py3-none-any\.whl#sha256=` + f.SHA256() +
				`" data-requires-python="&gt;=3\.8,&lt;4" data-yanked="broken &amp; &#34;bad&#34;"` +
				` data-core-metadata="sha256=[0-9a-f]{64}" data-dist-info-metadata="sha256=[0-9a-f]{64}">` +
				`beta-2\.5-py3-none-any\.whl</a>`)
			if !want.Match(body) {
				t.Errorf("want %s in\n%s", want, body)
			}
		})
	}
}

func TestAPageIsTransferredAgainOnlyWhenItChanged(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
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
	link := func(length int) *simpleindex.File {
		return &simpleindex.File{URL: &url.URL{Path: strings.Repeat("a", length)}}
	}
	linked := func(project string, n, length int) *page {
		p := &page{Page: simpleindex.Page{Project: project}}
		for range n {
			p.Files = append(p.Files, link(length))
		}
		return p
	}
	var c pageCache
	half := maxCached / 2 / (link(1000).Memory() + 1)
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

func TestASessionsTableIsBounded(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	x := newIndex(t, up, nil)
	s := x.Session(func(string) {}, 0)
	all := &simpleindex.Page{}
	for i := range maxLinks {
		all.Files = append(all.Files, &simpleindex.File{ID: strconv.Itoa(i), URL: &url.URL{}})
	}
	if _, err := s.learn(all); err != nil {
		t.Fatal(err)
	}
	if _, err := s.learn(all); err != nil {
		t.Errorf("a page that the session knows is refused: %v", err)
	}
	if _, err := s.learn(&simpleindex.Page{Files: []*simpleindex.File{{ID: "a", URL: &url.URL{}}}}); err == nil ||
		len(s.links) != maxLinks {
		t.Errorf("got %v and %d links, want no more than the bound", err, len(s.links))
	}
}

// TestWhatTheIndexHasOfAProjectIsKnown: pip says the same of a project that is nowhere, of one
// without a file that fits, and of one whose page was refused.
func TestWhatTheIndexHasOfAProjectIsKnown(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	up.Add(egresstest.Wheel("beta", "2.5", nil))
	x := newIndex(t, up, nil)
	s := x.Session(func(string) {}, 0)
	address := serve(t, s)
	ask := func(project string) {
		t.Helper()
		if _, _, err := request(t, address+"/simple/"+project+"/"); err != nil {
			t.Fatal(err)
		}
	}
	ask("beta")
	ask("nope")
	up.SetFault(egresstest.Status(http.StatusForbidden))
	ask("refused")
	for project, want := range map[string]struct{ offered, absent bool }{
		"beta": {true, false}, "Beta": {true, false}, "nope": {false, true}, "refused": {false, false},
		"never-asked": {false, false},
	} {
		if offered, absent := s.Offered(project), s.Absent(project); offered != want.offered || absent != want.absent {
			t.Errorf("%s: offered %v, absent %v", project, offered, absent)
		}
	}
}
