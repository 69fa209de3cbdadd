package egress

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox/egress/egresstest"
)

const canary = "ghp_canary0123456789"

// serve stands for the sandbox's end of the door.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func commit(t *testing.T, h *egresstest.GitHost, name string) string {
	t.Helper()
	shas, err := h.Commit(t.Context(), name, egresstest.Commit{Files: map[string]string{"hello.py": "print('hi')\n"}})
	if err != nil {
		t.Fatal(err)
	}
	return shas[0]
}

func runGit(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", args...)
	c.Dir = dir
	c.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + dir,
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"LANG=C",
	}
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// fetch fetches one commit as a build does.
func fetch(t *testing.T, repo, sha string) (dir, out string, err error) {
	t.Helper()
	dir = t.TempDir()
	if out, err := runGit(t, dir, "init", "-q", "."); err != nil {
		t.Fatalf("init: %v: %s", err, out)
	}
	out, err = runGit(t, dir, "fetch", "--depth=1", "--no-tags", repo, sha)
	return dir, out, err
}

func TestGitFetchesAnExactCommitWithTheToken(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{Token: canary})
	sha := commit(t, h, "octo/demo")
	if _, out, err := fetch(t, h.RepoURL("octo/demo").String(), sha); err == nil {
		t.Fatalf("the host answers without its token: %s", out)
	}
	g := NewGit(GitConfig{Upstream: h.RepoURL("octo/demo"), Token: canary})
	dir, out, err := fetch(t, serve(t, g)+GitPath, sha)
	if err != nil {
		t.Fatalf("fetch: %v: %s", err, out)
	}
	if out, err := runGit(t, dir, "show", sha+":hello.py"); err != nil || out != "print('hi')" {
		t.Errorf("hello.py is %q (%v)", out, err)
	}
	if f := g.Failure(); f != nil {
		t.Errorf("failure after a good fetch: %+v", f)
	}
	for _, r := range h.Requests() {
		if strings.Contains(r.Path, "demo.git") && r.Header.Get("Git-Protocol") == "version=2" {
			return
		}
	}
	t.Error("the host saw no Git-Protocol: version=2")
}

// TestGitFetchesTheHeadOfAForksPullRequestFromTheBase: no branch leads to it, and the fork is not asked.
func TestGitFetchesTheHeadOfAForksPullRequestFromTheBase(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{Token: canary})
	commit(t, h, "octo/demo")
	shas, err := h.Commit(t.Context(), "octo/demo", egresstest.Commit{
		Ref: "refs/pull/12/head", Files: map[string]string{"hello.py": "print('stranger')\n"},
	})
	if err != nil {
		t.Fatal(err)
	}
	g := NewGit(GitConfig{Upstream: h.RepoURL("octo/demo"), Token: canary})
	at := serve(t, g) + GitPath
	dir, out, err := fetch(t, at, shas[0])
	if err != nil {
		t.Fatalf("fetch: %v: %s", err, out)
	}
	if out, err := runGit(t, dir, "show", shas[0]+":hello.py"); err != nil || out != "print('stranger')" {
		t.Errorf("hello.py is %q (%v)", out, err)
	}
	if _, _, err := fetch(t, at, strings.Repeat("a", 40)); err == nil {
		t.Error("control: a commit that is not there was fetched")
	}
}

// raw sends the text of a request as it stands, and returns status and body.
func raw(t *testing.T, base, request string) (int, string) {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body)
}

func get(target string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: vivarium\r\nConnection: close\r\n\r\n"
}

func TestGitRefusesEverythingButAFetch(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	commit(t, h, "octo/demo")
	commit(t, h, "octo/other")
	proxy := serve(t, NewGit(GitConfig{Upstream: h.RepoURL("octo/demo")}))

	// control: what is refused through the proxy is there when the host is asked directly
	if code, body := raw(t, proxy, get(GitPath+"/info/refs?service=git-upload-pack")); code != 200 ||
		!strings.Contains(body, "git-upload-pack") {
		t.Fatalf("a fetch is answered %d: %s", code, body)
	}
	for _, target := range []string{
		"/octo/demo.git/info/refs",
		"/octo/demo.git/HEAD",
		"/octo/other.git/info/refs?service=git-upload-pack",
		"/octo/demo.git/info/refs?service=git-receive-pack",
	} {
		if code, body := raw(t, h.URL(), get(target)); code != 200 {
			t.Fatalf("control: the host answers %s with %d: %s", target, code, body)
		}
	}
	before := len(h.Requests())
	post := func(target, contentType, more string) string {
		return "POST " + target + " HTTP/1.1\r\nHost: vivarium\r\nConnection: close\r\nContent-Type: " + contentType +
			"\r\n" + more + "Content-Length: 4\r\n\r\n0000"
	}
	const wants = "application/x-git-upload-pack-request"
	advertise := GitPath + "/info/refs?service=git-upload-pack"
	with := func(target, headers string) string {
		return "GET " + target + " HTTP/1.1\r\nHost: vivarium\r\nConnection: close\r\n" + headers + "\r\n"
	}
	for name, c := range map[string]struct {
		request string
		want    int
	}{
		"dumb refs": {get(GitPath + "/info/refs"), 404},
		"dumb HEAD": {get(GitPath + "/HEAD"), 404},
		"push refs": {get(GitPath + "/info/refs?service=git-receive-pack"), 403},
		"push": {
			post(GitPath+"/git-receive-pack", "application/x-git-receive-pack-request", ""),
			403,
		},
		"other repository":        {get("/octo/other.git/info/refs?service=git-upload-pack"), 404},
		"dotted path":             {get(GitPath + "/../octo/other.git/info/refs?service=git-upload-pack"), 404},
		"encoded path":            {get("/repo%2egit/info/refs?service=git-upload-pack"), 404},
		"encoded slash":           {get(GitPath + "%2finfo/refs?service=git-upload-pack"), 404},
		"doubled slash":           {get("/" + GitPath + "/info/refs?service=git-upload-pack"), 404},
		"extra query":             {get(advertise + "&x=1"), 404},
		"repeated service":        {get(advertise + "&service=git-receive-pack"), 404},
		"encoded query":           {get(GitPath + "/info/refs?service=git-upload%2dpack"), 404},
		"absolute-form":           {get(h.URL() + "/octo/other.git/info/refs?service=git-upload-pack"), 404},
		"absolute-form to itself": {get("http://vivarium" + advertise), 404},
		"CONNECT": {
			"CONNECT " + strings.TrimPrefix(h.URL(), "http://") + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			405,
		},
		"OPTIONS": {
			"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			200,
		}, // answered by net/http itself
		"DELETE":                   {"DELETE " + advertise + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405},
		"HEAD":                     {"HEAD " + advertise + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405},
		"POST of refs":             {post(advertise, wants, ""), 405},
		"GET of upload-pack":       {get(GitPath + "/git-upload-pack"), 405},
		"upload-pack with query":   {post(GitPath+"/git-upload-pack?x", wants, ""), 404},
		"other content type":       {post(GitPath+"/git-upload-pack", "text/plain", ""), 415},
		"other encoding":           {post(GitPath+"/git-upload-pack", wants, "Content-Encoding: br\r\n"), 415},
		"protocol with more in it": {with(advertise, "Git-Protocol: version=2:x=y\r\n"), 400},
		"protocol twice":           {with(advertise, "Git-Protocol: version=2\r\nGit-Protocol: version=1\r\n"), 400},
		"GET with a body":          {with(advertise, "Content-Length: 1\r\n") + "x", 400},
		"two lengths":              {with(advertise, "Content-Length: 0\r\nContent-Length: 5\r\n"), 400},
		"length and chunks": {
			"POST " + GitPath + "/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: " +
				"xchunked\r\n\r\n0000",
			501,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if code, body := raw(t, proxy, c.request); code != c.want {
				t.Errorf("answered %d, want %d: %s", code, c.want, body)
			}
		})
	}
	if after := h.Requests(); len(after) != before {
		t.Errorf("%d refused requests reached the host, the last one %+v", len(after)-before, after[len(after)-1])
	}
}

func TestGitBuildsRequestHeadersAnew(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{Token: canary})
	commit(t, h, "octo/demo")
	proxy := serve(t, NewGit(GitConfig{Upstream: h.RepoURL("octo/demo"), Token: canary}))
	req := "GET " + GitPath + "/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: evil\r\nConnection: close, " +
		"Authorization\r\n" +
		"Authorization: Basic ZXZpbDpldmls\r\nCookie: a=b\r\nX-Forwarded-Host: evil\r\nX-HTTP-Method-Override: " +
		"DELETE\r\n" +
		"Git-Protocol: version=2\r\nAccept: evil\r\nUser-Agent: evil\r\nRange: bytes=0-1\r\n\r\n"
	if code, body := raw(t, proxy, req); code != 200 {
		t.Fatalf("answered %d: %s", code, body)
	}
	reqs := h.Requests()
	got := reqs[len(reqs)-1].Header
	want := http.Header{
		"Accept":          {"application/x-git-upload-pack-advertisement"},
		"Accept-Encoding": {"identity"},
		"Authorization":   {"Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+canary))},
		"Git-Protocol":    {"version=2"},
		"User-Agent":      {"git/vivarium"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the host saw\n%v\nwant\n%v", got, want)
	}
}

func TestGitPassesCompressedAndChunkedRequests(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	commit(t, h, "octo/demo")
	proxy := serve(t, NewGit(GitConfig{Upstream: h.RepoURL("octo/demo")}))
	var body bytes.Buffer
	gz := gzip.NewWriter(&body)
	_, _ = io.WriteString(gz, "0014command=ls-refs\n0000")
	gz.Close()
	// without a length, so the request is chunked
	req, _ := http.NewRequestWithContext(t.Context(), "POST", proxy+GitPath+"/git-upload-pack", io.MultiReader(&body))
	req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("Git-Protocol", "version=2")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	out, _ := io.ReadAll(res.Body)
	if res.StatusCode != 200 || !strings.Contains(string(out), "refs/heads/main") {
		t.Errorf("answered %d: %q", res.StatusCode, out)
	}
}

func TestGitRefusesAnOversizeRequest(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	commit(t, h, "octo/demo")
	g := NewGit(GitConfig{Upstream: h.RepoURL("octo/demo")})
	req, _ := http.NewRequestWithContext(t.Context(), "POST", serve(t, g)+GitPath+"/git-upload-pack",
		io.LimitReader(zeros{}, maxWants+1))
	req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d, want 413", res.StatusCode)
		}
	}
	if f := g.Failure(); f != nil {
		t.Errorf("a client's fault is told as the host's: %+v", f)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestGitTellsUnreachableFromRefused(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	sha := commit(t, h, "octo/demo")
	downURL := &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/octo/demo.git"}
	for name, c := range map[string]struct {
		upstream    *url.URL
		fault       egresstest.Fault
		unreachable bool
		status      int
		heals       bool
		git         string // what git itself prints
		message     string
	}{
		"host down": {
			upstream:    downURL,
			unreachable: true,
			heals:       true,
			git:         "error: 502",
			message:     "connection refused",
		},
		"no answer": {fault: egresstest.Drop, unreachable: true, heals: true, git: "error: 502", message: "EOF"},
		"silence": {
			fault:       egresstest.Stall,
			unreachable: true,
			heals:       true,
			git:         "error: 502",
			message:     "no data for",
		},
		"503": {
			fault:       egresstest.Status(503),
			unreachable: true,
			heals:       true,
			status:      503,
			git:         "error: 503",
			message:     "503 Service Unavailable",
		},
		"500": {
			fault:       egresstest.Status(500),
			unreachable: true,
			heals:       true,
			status:      500,
			git:         "error: 500",
			message:     "500 Internal Server Error",
		},
		"429": {
			fault:   egresstest.Status(429),
			heals:   true,
			status:  429,
			git:     "error: 429",
			message: "429 Too Many Requests",
		},
		"401": {
			fault:   egresstest.Status(401),
			heals:   true,
			status:  401,
			git:     "error: 403",
			message: "GITHUB_TOKEN is wrong or has expired",
		},
		"403": {fault: egresstest.Status(403), status: 403, git: "error: 403", message: "403 Forbidden"},
		"no repository": {
			upstream: h.RepoURL("octo/none"),
			status:   404,
			git:      "not found",
			message:  "404 Not Found: repository not found, or GITHUB_TOKEN may not read it",
		},
		"not git": {
			fault:   loginPage,
			status:  200,
			git:     "error: 502",
			message: "something else than a git repository",
		},
		"redirect to web": {
			fault:   egresstest.RedirectTo("http://127.0.0.1:1/login"),
			git:     "error: 502",
			message: "private address",
		},
	} {
		t.Run(name, func(t *testing.T) {
			up := c.upstream
			if up == nil {
				up = h.RepoURL("octo/demo")
			}
			h.SetFault(c.fault)
			defer h.SetFault(nil)
			g := NewGit(GitConfig{Upstream: up, Token: canary})
			if name == "silence" {
				g.stall = 200 * time.Millisecond
			}
			_, out, err := fetch(t, serve(t, g)+GitPath, sha)
			if err == nil || !strings.Contains(out, c.git) {
				t.Errorf("git said %q (%v), want %q in it", out, err, c.git)
			}
			f := g.Failure()
			if f == nil {
				t.Fatal("no failure")
			}
			if f.Unreachable != c.unreachable || f.Heals != c.heals || f.StatusCode != c.status ||
				!strings.Contains(f.Message, c.message) {
				t.Errorf("failure %+v, want unreachable %v, heals %v, status %d and %q", *f, c.unreachable, c.heals,
					c.status, c.message)
			}
			if strings.ContainsAny(f.Message, "\r\n") || strings.Contains(f.Message, canary) {
				t.Errorf("not one line without credentials: %q", f.Message)
			}
		})
	}
}

// loginPage is what some proxies answer instead of a repository.
func loginPage(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<h1>Please log in</h1>")
	})
}

func TestGitCutsOffWhatNeverEnds(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	sha := commit(t, h, "octo/demo")
	h.SetFault(egresstest.Endless("application/x-git-upload-pack-advertisement"))
	g := NewGit(GitConfig{Upstream: h.RepoURL("octo/demo"), MaxBytes: 3 << 20})
	res, err := http.Get(serve(t, g) + GitPath + "/info/refs?service=git-upload-pack")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err == nil || n > 3<<20 {
		t.Errorf("got %d bytes and %v, want at most 3 MiB and a broken answer (%s)", n, err, sha)
	}
	if f := g.Failure(); f == nil || f.Unreachable || !strings.Contains(f.Message, "more than 3 MiB") {
		t.Errorf("failure %+v", f)
	}
}

func TestGitTellsWhenAnAnswerBreaksOff(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	h.SetFault(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			egresstest.Truncate(nil).ServeHTTP(w, r)
		})
	})
	g := NewGit(GitConfig{Upstream: h.RepoURL("octo/demo")})
	res, err := http.Get(serve(t, g) + GitPath + "/info/refs?service=git-upload-pack")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("a broken answer arrived as a complete one: %q", got)
	}
	if f := g.Failure(); f == nil || !f.Unreachable || !strings.Contains(f.Message, "broke off") {
		t.Errorf("failure %+v", f)
	}
}

func TestGitStreamsWhatIsThere(t *testing.T) {
	more := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		_, _ = io.WriteString(w, "first")
		_ = http.NewResponseController(w).Flush()
		<-more
		_, _ = io.WriteString(w, "second")
	}))
	t.Cleanup(up.Close)
	u, _ := url.Parse(up.URL + "/o/r.git")
	res, err := http.Get(serve(t, NewGit(GitConfig{Upstream: u})) + GitPath + "/info/refs?service=git-upload-pack")
	if err != nil {
		close(more)
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 5)
	_, err = io.ReadFull(res.Body, first)
	close(more)
	if err != nil || string(first) != "first" {
		t.Fatalf("got %q, %v before the host sent more", first, err)
	}
	if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != "second" {
		t.Errorf("then %q, %v", rest, err)
	}
}
