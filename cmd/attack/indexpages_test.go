package attack

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/egresstest"
	"vivarium/sandbox/eventually"
)

// Bounds of the growth of the server's heap, MiB. The links of one page may take 24, and two pages
// of that size are read at one time.
const (
	onePage  = 40
	allPages = 2*onePage + 32
)

const manyLinks = 24_000

// hungryPages are small on the wire and large in memory.
var hungryPages = map[string]struct {
	tried string
	write func(w io.Writer)
}{
	"texts": {"yanked and core-metadata as lists of empty objects", func(w io.Writer) {
		fmt.Fprintf(w,
			`{"files":[{"filename":"a-1.tar.gz","url":"a","hashes":{},"yanked":[%s0],"core-metadata":[%[1]s0]}]}`,
			strings.Repeat(`{},`, 4<<20))
	}},
	"nesting": {"lists in lists, 30 million deep", func(w io.Writer) {
		_, _ = io.WriteString(w, `{"meta":{"x":`+strings.Repeat("[", 30<<20))
	}},
	"text": {"a file's name of 30 MiB", func(w io.Writer) {
		_, _ = io.WriteString(w, `{"files":[{"filename":"`+strings.Repeat("x", 30<<20))
	}},
	"keys": {"a million hashes of one file", func(w io.Writer) {
		_, _ = io.WriteString(w, `{"files":[{"filename":"a-1.tar.gz","url":"a","hashes":{`)
		for i := range 1_000_000 {
			fmt.Fprintf(w, `"a%d":"",`, i)
		}
	}},
	"base": {"a base of 32 KiB before each of 24,000 links", longBase},
}

func longBase(w io.Writer) {
	fmt.Fprintf(w, `<base href="/%s/">`, strings.Repeat("x", 32<<10))
	for i := range manyLinks {
		fmt.Fprintf(w, `<a href="a-%d.tar.gz">`, i)
	}
}

// honestPage is longer than any of PyPI's.
func honestPage(w io.Writer) {
	for i := range manyLinks {
		fmt.Fprintf(w,
			`<a href="https://files.example.org/packages/aa/bb/%060x/honest-1.0.%d-py3-none-any.whl#`+
				`sha256=%064x" data-requires-python="&gt;=3.9">honest</a>`, i, i, i)
	}
}

// zipped answers with what write writes, compressed. It ends the answer only after hold.
func zipped(write func(io.Writer), hold func()) egresstest.Fault {
	var b strings.Builder
	z := gzip.NewWriter(&b)
	write(z)
	_ = z.Flush() // all of it can be read before the end comes
	flushed := b.Len()
	_ = z.Close()
	contentType := "application/vnd.pypi.simple.v1+json"
	var first strings.Builder
	if write(&first); first.String()[0] == '<' {
		contentType = "text/html"
	}
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, b.String()[:flushed])
			_ = http.NewResponseController(w).Flush()
			hold()
			_, _ = io.WriteString(w, b.String()[flushed:])
		})
	}
}

// heap gives by how many MiB the heap grows at most while do runs.
func heap(do func()) int {
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // collect often, so that little garbage is measured
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, m.HeapAlloc
	done, measured := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(measured)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	do()
	close(done)
	<-measured
	return int((most - before) >> 20)
}

// TestIndexPages lets an index send pages that are small on the wire and large in the server's
// memory: one page, and many at once for two builds.
func TestIndexPages(t *testing.T) {
	t.Parallel()
	up := startHostileIndex(t, nil)
	measure := func(x *egress.Index) (status, mib int) {
		s := x.Session(func(string) {}, 0)
		defer s.Close()
		build := httptest.NewServer(s)
		defer build.Close()
		mib = heap(func() { status = askPage(t, build) })
		return status, mib
	}
	one := func(write func(io.Writer)) (status, mib int) {
		up.SetFault(zipped(write, func() {}))
		return measure(linkIndex(t, up, nil))
	}
	for name, p := range sorted(hungryPages) {
		attack(t, name, p.tried, func(t *testing.T, l *line) {
			status, took := one(honestPage)
			if status != http.StatusOK {
				t.Errorf("control: a page of %d links is answered %d", manyLinks, status)
			}
			l.control = fmt.Sprintf("an honest page of %d links comes, for %d MiB", manyLinks, took)
			status, took = one(p.write)
			// 403 is the answer of the proxy's own bounds, that of a page which cannot be read is 502.
			if status != http.StatusForbidden || took > onePage {
				t.Errorf("answered %d, and the heap grew by %d MiB, want %d and at most %d", status, took,
					http.StatusForbidden, onePage)
			}
			l.outcome = fmt.Sprintf("%d, %d MiB", status, took)
		})
	}
	attack(t, "at-once", "24 large pages at once, for two builds",
		func(t *testing.T, l *line) { pagesAtOnce(t, l, up) })
}

// askPage asks for a page as one build does.
func askPage(t *testing.T, build *httptest.Server) (status int) {
	res, err := build.Client().Get(build.URL + "/simple/a/")
	if err != nil {
		t.Error(err)
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

func pagesAtOnce(t *testing.T, l *line, up *egresstest.Index) {
	var sent atomic.Int32
	const builds, each = 2, 12
	up.SetFault(zipped(honestPage, func() {
		// All are in memory together, unless they wait for each other.
		sent.Add(1)
		eventually.Within(time.Second, func() bool { return sent.Load() >= builds*each })
	}))
	x := linkIndex(t, up, nil)
	var good, other atomic.Int32
	took := heap(func() {
		var all sync.WaitGroup
		for range builds {
			s := x.Session(func(string) {}, 0)
			defer s.Close()
			build := httptest.NewServer(s)
			defer build.Close()
			for range each {
				all.Go(func() {
					if askPage(t, build) == http.StatusOK {
						good.Add(1)
					} else {
						other.Add(1)
					}
				})
			}
		}
		all.Wait()
	})
	if good.Load() == 0 {
		t.Error("control: none of them comes")
	}
	l.control = fmt.Sprintf("%d of them come", good.Load())
	if took > allPages+2*20 { // what the two builds and the cache remember are the same links
		t.Errorf("the heap grew by %d MiB, want at most %d", took, allPages+2*20)
	}
	l.outcome = fmt.Sprintf("%d MiB; %d were told to ask again", took, other.Load())
}

// inside is what an index's own host serves besides the index, to those who have its password.
type inside struct {
	*httptest.Server
	other                 *httptest.Server // leads to the index's host; the operator lists its address
	withPassword, reached atomic.Int32
}

const emptyHash = "#sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func startInside(t *testing.T) *inside {
	t.Helper()
	in := &inside{}
	in.Server = httptest.NewServer(http.HandlerFunc(in.serve))
	t.Cleanup(in.Close)
	listener, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	in.other = &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(in.lead)}}
	in.other.Start()
	t.Cleanup(in.other.Close)
	return in
}

func (in *inside) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	switch r.URL.Path {
	case "/simple/led/", "/simple/back/":
		http.Redirect(w, r, in.other.URL+r.URL.Path, http.StatusFound)
	case "/simple/own/":
		fmt.Fprintf(w, `<a href="/private/good-1.tar.gz%s"></a><a href="/private/bare-1.tar.gz"></a>`+
			`<a href="/simple/%%2e%%2e/private/dots-1.tar.gz"></a><a href="%s/moved-1.tar.gz%[1]s"></a>`, emptyHash,
			in.other.URL)
	default:
		in.reached.Add(1)
		if _, password, _ := r.BasicAuth(); password == token {
			in.withPassword.Add(1)
		}
	}
}

// lead is another host's page with links back, and redirects back.
func (in *inside) lead(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/simple/led/" {
		http.Redirect(w, r, in.URL+"/private"+r.URL.Path, http.StatusFound)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, `<a href="%s/private/led-1.tar.gz%s"></a><a href="%[1]s/simple/below-1.tar.gz"></a>`, in.URL,
		emptyHash)
}

// TestIndexRights lets pages and redirects of other hosts lead the proxy back to the index's own
// host. Only the operator's settings may lead there, with a password.
func TestIndexRights(t *testing.T) {
	in := startInside(t)
	u, err := url.Parse(in.URL + "/simple/")
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("operator", token)
	x, err := egress.NewIndex(egress.IndexConfig{
		Upstream: u,
		Allow:    []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")},
	})
	if err != nil {
		t.Fatal(err)
	}
	build := httptest.NewServer(session(x))
	t.Cleanup(build.Close)
	for name, c := range sorted(map[string]struct{ tried, page, file string }{
		"page-from-elsewhere": {
			"a link with a hash on a page that came by a redirect from elsewhere",
			"led",
			"led-1.tar.gz",
		},
		"page-below":          {"a link below the index's path on such a page", "led", "below-1.tar.gz"},
		"beside":              {"a link without a hash beside the index's path", "own", "bare-1.tar.gz"},
		"dots":                {"the same by encoded dots", "own", "dots-1.tar.gz"},
		"file-there-and-back": {"a file's redirect from elsewhere", "own", "moved-1.tar.gz"},
		"page-there-and-back": {"a page's redirect there and back", "back", ""},
	}) {
		attack(t, name, c.tried, func(t *testing.T, l *line) {
			if status := visit(t, build, "own", "good-1.tar.gz"); status != http.StatusOK ||
				in.withPassword.Swap(0) == 0 {
				t.Errorf("control: a link with a hash on the index's own page is answered %d", status)
			}
			l.control = "a link with a hash on the index's own page arrives with the password"
			in.reached.Store(0)
			status := visit(t, build, c.page, c.file)
			if in.reached.Load() != 0 || status == http.StatusOK || status == 0 {
				t.Errorf("answered %d; %d arrived, %d with the password", status, in.reached.Load(),
					in.withPassword.Load())
			}
			l.outcome = fmt.Sprintf("%d; 0 arrived", status)
		})
	}
}

// visit asks for a page, and for a file of it where one is named. A status of 0 means that the page
// does not have the file.
func visit(t *testing.T, build *httptest.Server, page, file string) (status int) {
	t.Helper()
	get := func(path string) (int, string) {
		res, err := build.Client().Get(build.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(text)
	}
	status, text := get("/simple/" + page + "/")
	if file == "" {
		return status
	}
	for link := range strings.SplitSeq(text, `href="`) {
		link, _, _ = strings.Cut(link, `"`)
		if address, _, _ := strings.Cut(link, "#"); strings.HasSuffix(address, "/"+file) {
			status, _ = get(address)
			return status
		}
	}
	return 0
}
