package egress

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox/egress/egresstest"
	"vivarium/sandbox/egress/simpleindex"
	"vivarium/sandbox/eventually"
)

// wantTrouble compares what a session remembers with want; an empty want means no trouble. A client
// may have its answer a little before the request has ended.
func wantTrouble(t *testing.T, s *Session, want string) {
	t.Helper()
	told := func() string {
		if trouble := s.Trouble(); trouble != nil {
			return trouble.Message
		}
		return ""
	}
	if !eventually.Within(5*time.Second, func() bool { return told() == want }) {
		t.Errorf("the trouble is %q, want %q", told(), want)
	}
}

// onlyPath makes a fault happen only to requests for one path.
func onlyPath(path string, f egresstest.Fault) egresstest.Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				f(next).ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// halfPage is a page of which the host promises more than it sends.
func halfPage(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", simpleindex.JSONType)
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"meta":{"api-version":"1.0"},"files":[`)
	})
}

func TestTroubleOfThePagesIsRememberedUntilThePageComes(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	up.Add(egresstest.Wheel("six", "1.0", nil))
	host := strings.Split(up.URL(), "/")[2]
	for name, c := range map[string]struct {
		fault egresstest.Fault
		want  string
	}{
		"no answer":           {egresstest.Drop, "index " + host + " does not answer: EOF"},
		"503":                 {egresstest.Status(503), "index " + host + " answered 503 Service Unavailable"},
		"500":                 {egresstest.Status(500), "index " + host + " answered 500 Internal Server Error"},
		"429":                 {egresstest.Status(429), "index " + host + " answered 429 Too Many Requests"},
		"half":                {halfPage, "index " + host + " broke off its answer: unexpected EOF"},
		"not an index":        {loginJSON, "index " + host + " answered with a page that cannot be read"},
		"silence":             {egresstest.Stall, "index " + host + " does not answer: no data for 0.2 s"},
		"401":                 {egresstest.Status(401), ""},
		"401 to our password": {egresstest.Status(401), "index " + host + " answered 401 Unauthorized"},
		"404":                 {egresstest.Status(404), ""},
		"403":                 {egresstest.Status(403), ""},
		"endless":             {endlessLinks, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := newIndex(t, up, func(c *IndexConfig) {
				if name == "401 to our password" {
					c.Upstream.User = url.UserPassword("me", "secret")
				}
			})
			x.fetcher.stall = 200 * time.Millisecond
			s := x.Session(func(string) {}, 0)
			address := serve(t, s)
			wantTrouble(t, s, "")
			up.SetFault(c.fault)
			raw(t, address, get("/simple/six/"))
			raw(t, address, get("/simple/six/"))
			wantTrouble(t, s, c.want)
			if trouble := s.Trouble(); trouble != nil && trouble.Stalled != (name == "silence") {
				t.Errorf("stalled is %v", trouble.Stalled)
			}
			up.SetFault(nil)
			raw(t, address, get("/simple/other/")) // another page mends nothing
			wantTrouble(t, s, c.want)
			links(t, address, "six")
			wantTrouble(t, s, "")
		})
	}
}

func TestTroubleOfFilesIsRememberedUntilTheFileComes(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	six := egresstest.Wheel("six", "1.0", nil)
	bare := egresstest.Wheel("bare", "1.0", nil)
	bare.NoHash = true
	wrong := egresstest.Wheel("wrong", "1.0", nil)
	wrong.Hash = strings.Repeat("0", 64)
	up.Add(six, bare, wrong)
	x := newIndex(t, up, func(c *IndexConfig) { c.CacheDir = "" })
	s := x.Session(func(string) {}, 0)
	address := serve(t, s)
	index, files := strings.Split(up.URL(), "/")[2], strings.Split(up.FilesURL(), "/")[2]
	who := "index " + index + ": files' host " + files
	link := links(t, address, "six")[six.Name]
	for _, c := range []struct {
		link  string
		fault egresstest.Fault
		want  string
	}{
		{link, egresstest.Status(502), who + " answered 502 Bad Gateway"},
		{link, egresstest.Drop, who + " does not answer: EOF"},
		{link, egresstest.Truncate, who + " broke off its answer: unexpected EOF"},
		{links(t, address, "bare")[bare.Name], egresstest.Truncate, who + " broke off its answer: unexpected EOF"},
		{link, egresstest.Status(404), ""},
	} {
		up.SetFilesFault(c.fault)
		_, _ = fetchAll(t, c.link)
		wantTrouble(t, s, c.want)
		up.SetFilesFault(nil)
		if _, err := fetchAll(t, c.link); err != nil {
			t.Fatal(err)
		}
		wantTrouble(t, s, "")
	}
	up.SetFilesFault(onlyPath("/packages/six/"+six.Name+".metadata", egresstest.Status(503)))
	if status, _ := fetchAll(t, link+".metadata"); status == http.StatusOK {
		t.Fatal("control: the metadata came")
	}
	wantTrouble(t, s, who+" answered 503 Service Unavailable")
	if _, err := fetchAll(t, link); err != nil {
		t.Fatal(err)
	}
	wantTrouble(t, s, "") // the build got the file itself
	_, _ = fetchAll(t, links(t, address, "wrong")[wrong.Name])
	wantTrouble(t, s, who+" sent "+wrong.Name+" with another SHA-256 than the index tells")
}

func fetchAll(t *testing.T, address string) (int, error) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

func TestAClientThatLosesItsPatienceLeavesTheTroubleBehind(t *testing.T) {
	up := egresstest.IndexFor(t, egresstest.IndexConfig{})
	six := egresstest.Wheel("six", "1.0", nil)
	up.Add(six)
	host := strings.Split(up.URL(), "/")[2]
	for name, c := range map[string]struct {
		stays time.Duration
		want  string
	}{
		"after long": {300 * time.Millisecond, "does not answer: no data for 0 s"},
		"at once":    {20 * time.Millisecond, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := newIndex(t, up, nil)
			x.fetcher.stall = 6 * 200 * time.Millisecond
			s := x.Session(func(string) {}, 0)
			served := make(chan struct{}, 2)
			address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s.ServeHTTP(w, r)
				served <- struct{}{}
			}))
			link := links(t, address, "six")[six.Name]
			<-served
			leave := func(address string) {
				ctx, cancel := context.WithTimeout(t.Context(), c.stays)
				defer cancel()
				req, _ := http.NewRequestWithContext(ctx, "GET", address, nil)
				if res, err := http.DefaultClient.Do(req); err == nil {
					res.Body.Close()
					t.Errorf("answered %d", res.StatusCode)
				}
				<-served
			}
			up.SetFilesFault(egresstest.Stall)
			defer up.SetFilesFault(nil)
			leave(link)
			want := c.want
			if want != "" {
				want = "index " + host + ": files' host " + strings.Split(up.FilesURL(), "/")[2] + " " + c.want
			}
			wantTrouble(t, s, want)
			s.asked.open = nil
			up.SetFault(egresstest.Stall)
			defer up.SetFault(nil)
			leave(address + "/simple/other/")
			if want = c.want; want != "" {
				want = "index " + host + " " + c.want
			}
			wantTrouble(t, s, want)
		})
	}
}

func TestTroubleNamesTheNetworksErrorAndNoPassword(t *testing.T) {
	tlsOnly := egresstest.IndexFor(t, egresstest.IndexConfig{FilesTLS: true})
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent.Close() // nobody listens there now
	restore, err := egresstest.UseNames(func(string) (a [4]byte, known bool) { return a, false })
	if err != nil {
		t.Fatal(err)
	}
	defer restore()
	for address, want := range map[string]string{
		"http://me:hunter2@" + silent.Addr().String() + "/simple/": "index " + silent.Addr().String() +
			" does not answer: connection refused",
		"http://me:hunter2@no-such-host.invalid/simple/": "index no-such-host.invalid does not answer: " +
			"look up no-such-host.invalid: lame referral", // an unknown name to this resolver
		strings.Replace(
			tlsOnly.FilesURL(),
			"https://",
			"https://me:hunter2@",
			1,
		) + "/simple/": "index " + strings.TrimPrefix(
			tlsOnly.FilesURL(),
			"https://",
		) + " has no certificate that is trusted: x509: certificate signed by unknown authority",
	} {
		x, err := NewIndex(IndexConfig{Upstream: mustURL(t, address)})
		if err != nil {
			t.Fatal(err)
		}
		s := x.Session(func(line string) {
			if strings.Contains(line, "hunter2") {
				t.Errorf("the log has the password: %s", line)
			}
		}, 0)
		raw(t, serve(t, s), get("/simple/six/"))
		wantTrouble(t, s, want)
	}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
