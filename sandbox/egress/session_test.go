package egress

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vivarium/sandbox/egress/egresstest"
	"vivarium/sandbox/egress/simpleindex"
	"vivarium/sandbox/eventually"
)

// request sends one request and returns status, header and body. err is an error of reading the
// body.
func request(t *testing.T, address string, header ...string) (*http.Response, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

// links asks a session for a project's page and returns the files' addresses by name.
func links(t *testing.T, session, project string) map[string]string {
	t.Helper()
	res, body, err := request(t, session+IndexPath+project+"/", "Accept", simpleindex.JSONType)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("page of %s: %d, %v: %s", project, res.StatusCode, err, body)
	}
	var p struct {
		Files []struct{ Filename, URL string }
	}
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, f := range p.Files {
		m[f.Filename] = session + f.URL
	}
	return m
}

func TestIndexRefusesEverythingButPagesAndTheirLinks(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	up.Add(egresstest.Wheel("six", "1.0", map[string]string{"six.py": ""}))
	x := newIndex(t, up, nil)
	s, _ := newSession(t, x)
	link := links(t, s, "six")["six-1.0-py3-none-any.whl"]
	if res, body, err := request(t, link); err != nil || res.StatusCode != 200 {
		t.Fatalf("control: the link is answered %d, %v: %s", res.StatusCode, err, body)
	}
	path := strings.TrimPrefix(link, s)
	direct := "/packages/six/six-1.0-py3-none-any.whl"
	if code, _ := raw(t, up.FilesURL(), get(direct)); code != 200 {
		t.Fatalf("control: the files' host answers %d", code)
	}
	pages, files := len(up.Requests()), len(up.FileRequests())
	method := func(m, target string) string {
		return m + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
	}
	for name, c := range map[string]struct {
		request string
		want    int
	}{
		"root":                    {get("/"), 404},
		"list of all projects":    {get("/simple/"), 404},
		"page without slash":      {get("/simple/six"), 404},
		"page with query":         {get("/simple/six/?format=json"), 404},
		"page with empty query":   {get("/simple/six/?"), 404},
		"dotted page":             {get("/simple/../simple/six/"), 404},
		"dots as a name":          {get("/simple/../"), 404},
		"encoded name":            {get("/simple/s%69x/"), 404},
		"name with a slash":       {get("/simple/a/b/"), 404},
		"name that is too long":   {get("/simple/" + strings.Repeat("a", 129) + "/"), 404},
		"absolute-form":           {get(s + "/simple/six/"), 404},
		"absolute-form elsewhere": {get(up.FilesURL() + direct), 404},
		"upstream's own path":     {get(direct), 404},
		"link with a query":       {get(path + "?x=1"), 404},
		"link with another name":  {get(strings.Replace(path, "six-1.0", "six-1.1", 1)), 404},
		"link with another id":    {get(strings.Replace(path, "/files/", "/files/0", 1)), 404},
		"link without a name":     {get(path[:strings.LastIndexByte(path, '/')+1]), 404},
		"link with an encoded path": {
			get(path[:strings.LastIndexByte(path, '/')+1] + "..%2fsix-1.0-py3-none-any.whl"),
			404,
		},
		"signature": {get(path + ".asc"), 404},
		"POST":      {method("POST", "/simple/six/"), 405},
		"PUT":       {method("PUT", path), 405},
		"DELETE":    {method("DELETE", path), 405},
		"CONNECT": {
			"CONNECT " + strings.TrimPrefix(up.FilesURL(), "http://") + " HTTP/1.1\r\nHost: x\r\nConnection: " +
				"close\r\n\r\n",
			405,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if code, body := raw(t, s, c.request); code != c.want {
				t.Errorf("answered %d, want %d: %s", code, c.want, body)
			}
		})
	}
	if p, f := len(up.Requests()), len(up.FileRequests()); p != pages || f != files {
		t.Errorf("%d requests for pages and %d for files went upstream", p-pages, f-files)
	}
}

func TestALinkWorksOnlyForTheSessionThatWasGivenIt(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	up.Add(egresstest.Wheel("six", "1.0", nil))
	x := newIndex(t, up, nil)
	mine, _ := newSession(t, x)
	other, _ := newSession(t, x)
	link := links(t, mine, "six")["six-1.0-py3-none-any.whl"]
	if res, _, err := request(t, link); err != nil || res.StatusCode != 200 {
		t.Fatalf("control: my own link is answered %d, %v", res.StatusCode, err)
	}
	if res, body, _ := request(t, strings.Replace(link, mine, other, 1)); res.StatusCode != 404 {
		t.Errorf("the other session's answer is %d: %s", res.StatusCode, body)
	}
	if strings.Contains(link, strings.TrimPrefix(up.FilesURL(), "http://")) {
		t.Errorf("%s tells the address upstream", link)
	}
}

func TestRequestsUpstreamCarryNothingOfTheClients(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	up.Add(egresstest.Wheel("six", "1.0", nil))
	s, _ := newSession(t, newIndex(t, up, nil))
	req := "GET /simple/Six/ HTTP/1.1\r\nHost: evil\r\nConnection: close\r\nAuthorization: Basic eDp5\r\nCookie: " +
		"a=b\r\n" +
		"X-Forwarded-For: evil\r\nUser-Agent: evil\r\nIf-None-Match: \"evil\"\r\nRange: bytes=0-1\r\n\r\n"
	if code, body := raw(t, s, req); code != 200 {
		t.Fatalf("answered %d: %s", code, body)
	}
	r := up.Requests()[0]
	if r.Path != "/simple/six/" || fmt.Sprint(r.Header) != fmt.Sprint(http.Header{
		"Accept": {
			simpleindex.JSONType + ", " + simpleindex.HTMLType + ";q=0.2, " + simpleindex.PlainType + ";q=0.1",
		},
		"Accept-Encoding": {"gzip"},
		"User-Agent":      {"vivarium"},
	}) {
		t.Errorf("upstream saw %s %v", r.Path, r.Header)
	}
}

func TestCredentialsGoToTheIndexOnlyAndAreNeverShown(t *testing.T) {
	const password = "s3cret-index-password"
	up := egresstest.IndexFor(t, egresstest.IndexConfig{Password: password})
	up.Add(egresstest.Wheel("six", "1.0", nil))
	wrong := egresstest.Wheel("six", "2.0", nil)
	wrong.Hash = strings.Repeat("0", 64)
	up.Add(wrong)
	x := newIndex(t, up, func(c *IndexConfig) { c.Upstream.User = url.UserPassword("me", password) })
	s, n := newSession(t, x)
	all := links(t, s, "six")
	var seen strings.Builder
	for name, link := range all {
		_, body, _ := request(t, link)
		fmt.Fprintln(&seen, name, link, string(body))
	}
	_, body, _ := request(t, s+"/simple/none/")
	fmt.Fprintln(&seen, string(body), n.all())
	if got := up.Requests()[0].Header.Get("Authorization"); got == "" {
		t.Error("control: the index got no credentials")
	}
	for _, r := range up.FileRequests() {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("the credentials went to another origin: %s", r.Path)
		}
	}
	if strings.Contains(seen.String(), password) {
		t.Errorf("the password is shown: %s", seen.String())
	}
}

func TestFilesAtPrivateAddressesAreRefused(t *testing.T) {
	oracle := egresstest.IndexFor(t, egresstest.IndexConfig{})
	secret := egresstest.Wheel("secret", "1.0", map[string]string{"s.py": "x"})
	oracle.Add(secret)
	tlsOracle := egresstest.IndexFor(t, egresstest.IndexConfig{FilesTLS: true})
	tlsOracle.Add(secret)
	const path = "/packages/secret/secret-1.0-py3-none-any.whl"
	if code, _ := raw(t, oracle.FilesURL(), get(path)); code != 200 {
		t.Fatalf("control: the oracle answers %d", code)
	}
	before := len(oracle.FileRequests())
	redirect := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, oracle.FilesURL()+r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(redirect.Close)
	port := oracle.FilesURL()[strings.LastIndexByte(oracle.FilesURL(), ':'):]
	tlsPort := tlsOracle.FilesURL()[strings.LastIndexByte(tlsOracle.FilesURL(), ':'):]
	for name, address := range map[string]string{
		"by number":           oracle.FilesURL() + path,
		"by name":             "http://localhost" + port + path,
		"as decimal":          "http://2130706433" + port + path,
		"mapped into IPv6":    "http://[::ffff:127.0.0.1]" + port + path,
		"unspecified":         "http://0.0.0.0" + port + path,
		"metadata service":    "http://169.254.169.254/latest/" + secret.Name,
		"https by number":     tlsOracle.FilesURL() + path,
		"https by name":       "https://localhost" + tlsPort + path,
		"with a user":         "http://user:pass@127.0.0.1" + port + path,
		"public host by http": "http://192.0.2.1" + path,
		"file":                "file:///etc/passwd",
		"ftp":                 "ftp://127.0.0.1" + port + path,
	} {
		t.Run(name, func(t *testing.T) {
			up := egresstest.IndexFor(t, egresstest.IndexConfig{})
			f := secret
			f.URL = address
			up.Add(f)
			s, n := newSession(t,
				newIndex(t, up, func(c *IndexConfig) { c.Allow, c.RootCAs = nil, tlsOracle.RootCAs() }))
			link := links(t, s, "secret")[f.Name]
			if link == "" {
				if !strings.HasPrefix(address, "f") {
					t.Fatal("no link")
				}
				return // not offered at all
			}
			res, body, _ := request(t, link)
			if res.StatusCode == 200 {
				t.Errorf("answered 200 with %d bytes", len(body))
			}
			if len(n.all()) == 0 {
				t.Errorf("nothing in the log; the client saw %d: %s", res.StatusCode, body)
			}
		})
	}
	t.Run("by a redirect of the index itself", func(t *testing.T) {
		u, _ := url.Parse(redirect.URL + "/simple/")
		x, err := NewIndex(IndexConfig{Upstream: u})
		if err != nil {
			t.Fatal(err)
		}
		file := &simpleindex.File{Name: secret.Name, URL: u.JoinPath(path), Own: true, ID: strings.Repeat("a", 32)}
		ss := x.Session(func(string) {}, 0)
		ss.links[file.ID] = file
		code, body := raw(t, serve(t, ss), get(simpleindex.FilesPath+file.ID+"/"+file.Name))
		if code != http.StatusForbidden || !strings.Contains(body, "127.0.0.1") {
			t.Errorf("answered %d: %s", code, body)
		}
	})
	if got := len(oracle.FileRequests()); got != before {
		t.Errorf("%d requests reached the oracle", got-before)
	}
	if got := len(tlsOracle.FileRequests()); got != 0 {
		t.Errorf("%d requests reached the oracle over https", got)
	}
}

func TestPagesFollowRedirectsOnlyWithinTheRules(t *testing.T) {
	oracle := egresstest.IndexFor(t, egresstest.IndexConfig{})
	oracle.Add(egresstest.Wheel("six", "1.0", nil))
	links(t, oracle.URL()[:len(oracle.URL())-len("/simple/")], "six") // control
	before := len(oracle.Requests())
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	up.SetFault(egresstest.RedirectTo(strings.TrimSuffix(oracle.URL(), "/simple/")))
	s, _ := newSession(t, newIndex(t, up, func(c *IndexConfig) { c.Allow = nil }))
	if code, body := raw(t, s, get("/simple/six/")); code != http.StatusForbidden {
		t.Errorf("answered %d: %s", code, body)
	}
	if got := len(oracle.Requests()); got != before {
		t.Errorf("%d requests reached the oracle", got-before)
	}
	up.SetFault(egresstest.RedirectTo(""))
	if code, body := raw(t, s, get("/simple/six/")); code != http.StatusBadGateway ||
		!strings.Contains(body, "more than") {
		t.Errorf("a redirect to itself is answered %d: %s", code, body)
	}
	up.SetFault(nil)
	up.Add(egresstest.Wheel("six", "1.0", nil))
	up.SetFault(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/simple/old-six/" {
				http.Redirect(w, r, "/simple/six/", http.StatusMovedPermanently)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	if got := links(t, s, "old-six"); len(got) != 1 {
		t.Errorf("within the origin: %v", got)
	}
}

func TestWhatGoesWrongUpstreamIsSaid(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	up.Add(egresstest.Wheel("six", "1.0", nil))
	for name, c := range map[string]struct {
		fault egresstest.Fault
		want  int
		note  string
	}{
		"no answer":     {egresstest.Drop, 503, "cannot fetch from 127.0.0.1"},
		"silence":       {egresstest.Stall, 504, "no data for"},
		"503":           {egresstest.Status(503), 503, "503 Service Unavailable"},
		"500":           {egresstest.Status(500), 502, "500 Internal Server Error"},
		"401":           {egresstest.Status(401), 403, "401 Unauthorized"},
		"endless JSON":  {egresstest.Endless(simpleindex.JSONType), 502, "cannot read the page"},
		"endless words": {endlessWords, 403, "more than 64 KiB of one thing"},
		"endless HTML":  {egresstest.Endless(simpleindex.PlainType), 502, "cannot read the page"},
		"endless tags":  {endlessAnchors, 403, "larger than the limit"},
		"endless links": {endlessLinks, 403, "more than 25000 links"},
		"broken off":    {egresstest.Truncate, 502, "not with a package index's page"},
		"not an index":  {loginJSON, 502, "cannot read the page"},
		"other version": {versionTwo, 502, `version "2.0"`},
	} {
		t.Run(name, func(t *testing.T) {
			up.SetFault(c.fault)
			x := newIndex(t, up, func(c *IndexConfig) { c.MaxPage = 4 << 20 })
			if name == "silence" {
				x.fetcher.stall = 200 * time.Millisecond
			}
			s, n := newSession(t, x)
			if code, body := raw(t, s, get("/simple/six/")); code != c.want || !strings.Contains(body, c.note) {
				t.Errorf("answered %d, want %d: %s", code, c.want, body)
			}
			if !n.contains(c.note) {
				t.Errorf("the log has %q, want %q in it", n.all(), c.note)
			}
		})
	}
}

func body(contentType, text string) egresstest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = io.WriteString(w, text)
		})
	}
}

var (
	loginJSON  = body(simpleindex.JSONType, `"please log in"`)
	versionTwo = body(simpleindex.JSONType, `{"meta":{"api-version":"2.0"},"name":"six","files":[]}`)
)

// endlessWords is one text that does not end.
var endlessWords = body(simpleindex.JSONType, `{"files":[{"filename":"`+strings.Repeat(`x`, 64<<10))

// endlessLinks says nothing in many links.
var endlessLinks = body(simpleindex.JSONType, `{"files":[`+strings.Repeat(`{},`, 25_001))

func endlessAnchors(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", simpleindex.PlainType)
		for i := 0; r.Context().Err() == nil; i++ {
			if _, err := fmt.Fprintf(w, "<a href=\"/f/six-%d.tar.gz\">six</a>\n", i); err != nil {
				return
			}
		}
	})
}

func TestNotesAreBounded(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	up.SetFault(egresstest.Status(500))
	s, n := newSession(t, newIndex(t, up, nil))
	for range maxNotes + 20 {
		raw(t, s, get("/simple/six/"))
	}
	if got := n.all(); len(got) != maxNotes || !strings.Contains(got[maxNotes-1], "left out") {
		t.Errorf("%d lines, the last one %q", len(got), got[len(got)-1])
	}
}

func TestNewIndexRefusesWhatIsNoIndex(t *testing.T) {
	for _, address := range []string{
		"",
		"pypi.org/simple",
		"ftp://pypi.org/simple/",
		"https:///simple/",
		"https://u:pw-canary@pypi.org/simple/?x=1",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewIndex(IndexConfig{Upstream: u}); err == nil {
			t.Errorf("%q was taken", address)
		} else if strings.Contains(err.Error(), "pw-canary") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse("https://pypi.org/simple")
	if _, err := NewIndex(IndexConfig{Upstream: u, CacheDir: file}); err == nil {
		t.Error("a file was taken for the cache's folder")
	}
}

func TestSessionBoundsWhatIsInWorkAtATime(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	up.Add(egresstest.Wheel("six", "1.0", nil))
	var inWork, peak, arrived atomic.Int32
	release := make(chan struct{})
	up.SetFault(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			peak.Store(max(peak.Load(), inWork.Add(1)))
			defer inWork.Add(-1)
			<-release
			next.ServeHTTP(w, r)
		})
	})
	session := newIndex(t, up, nil).Session(func(string) {}, 0)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		session.ServeHTTP(w, r)
	}))
	const all = maxConcurrent + 4
	results := make(chan int, all)
	for range all {
		go func() {
			res, err := http.Get(s + "/simple/six/")
			if err != nil {
				results <- 0
				return
			}
			res.Body.Close()
			results <- res.StatusCode
		}()
	}
	eventually.Holds(t, "all requests have come, and as many as may be served at a time are",
		func() bool { return arrived.Load() == all && inWork.Load() == maxConcurrent })
	close(release)
	for range all {
		if code := <-results; code != 200 {
			t.Errorf("answered %d, want 200 for all in the end", code)
		}
	}
	if got := peak.Load(); got != maxConcurrent {
		t.Errorf("%d requests went upstream at a time, want %d", got, maxConcurrent)
	}
}
