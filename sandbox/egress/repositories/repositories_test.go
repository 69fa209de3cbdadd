package repositories

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/egresstest"
)

const (
	canary    = "ghp_canary0123456789"
	advertise = "/info/refs?service=git-upload-pack"
)

func commit(t *testing.T, h *egresstest.GitHost, name string) {
	t.Helper()
	if _, err := h.Commit(
		t.Context(), name, egresstest.Commit{Files: map[string]string{"hello.py": "print('hi')\n"}},
	); err != nil {
		t.Fatal(err)
	}
}

// ask sends a request whose target stands as it is, and gives the answer's status and text.
func ask(t *testing.T, base, target string) (int, string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: vivarium\r\nConnection: close\r\n\r\n", target); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, "" // the answer was broken off
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body) // a broken answer is what some tests want
	return res.StatusCode, string(body)
}

// dependOn offers repositories of some hosts, of which the first is listed.
func dependOn(t *testing.T, maxBytes int64, all ...*url.URL) (r *Proxy, base string) {
	t.Helper()
	r = New(Config{
		URLs: all, MaxBytes: maxBytes,
		Listed: func(u *url.URL) bool { return u.Host == all[0].Host },
	})
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return r, s.URL
}

// clone clones as pip does.
func clone(t *testing.T, from string) (dir, out string, err error) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "clone")
	c := exec.CommandContext(t.Context(), "git", "clone", "--filter=blob:none", "--quiet", from, dir)
	c.Dir = t.TempDir()
	c.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.Dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LANG=C",
	}
	said, err := c.CombinedOutput()
	return dir, string(said), err
}

func TestRepositoriesAreClonedWithoutCredentials(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	commit(t, h, "octo/one")
	commit(t, h, "octo/two")
	with := h.RepoURL("octo/two")
	with.User = url.UserPassword("git", canary)
	r, base := dependOn(t, 0, h.RepoURL("octo/one"), with)
	for i := range 2 {
		dir, out, err := clone(t, base+r.Path(i))
		if err != nil {
			t.Fatalf("clone %d: %v: %s", i, err, out)
		}
		if _, err := os.Stat(filepath.Join(dir, "hello.py")); err != nil || r.Failure(i) != nil {
			t.Errorf("%d: %v, %+v", i, err, r.Failure(i))
		}
	}
	if len(h.Requests()) == 0 {
		t.Fatal("control: nothing arrived")
	}
	for _, q := range h.Requests() {
		if q.Header.Get("Authorization") != "" {
			t.Errorf("credentials went to %s", q.Path)
		}
	}
}

func TestRepositoriesAreNoneButThoseOfThePlan(t *testing.T) {
	h, other := egresstest.GitHostFor(t, egresstest.GitHostConfig{}), egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	for _, host := range []*egresstest.GitHost{h, other} {
		commit(t, host, "octo/one")
		commit(t, host, "octo/hidden")
	}
	r, base := dependOn(t, 0, h.RepoURL("octo/one"), other.RepoURL("octo/one"))
	if _, out, err := clone(t, base+r.Path(0)); err != nil {
		t.Fatalf("control: %v: %s", err, out)
	}
	before := len(h.Requests())
	refs := advertise
	for name, target := range map[string]string{
		"a host that is not listed": r.Path(1) + refs,
		"a number too high":         "/2" + egress.GitPath + refs,
		"no number":                 egress.GitPath + refs,
		"a sign":                    "/+0" + egress.GitPath + refs,
		"another repository":        r.Path(0) + "/../../octo/hidden.git" + refs,
		"encoded dots":              r.Path(0) + "/%2e%2e/hidden.git" + refs,
		"an address":                h.RepoURL("octo/hidden").String() + refs,
		"a push":                    r.Path(0) + "/info/refs?service=git-receive-pack",
	} {
		if code, body := ask(t, base, target); code < 400 {
			t.Errorf("%s: got %d: %s", name, code, body)
		}
	}
	if n := len(h.Requests()) - before + len(other.Requests()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestRepositoriesFollowRedirectsOnlyToListedHosts(t *testing.T) {
	h, other := egresstest.GitHostFor(t, egresstest.GitHostConfig{}), egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	for _, host := range []*egresstest.GitHost{h, other} {
		commit(t, host, "octo/renamed")
	}
	if code, _ := ask(t, other.URL(), "/octo/renamed.git"+advertise); code != http.StatusOK {
		t.Fatalf("control: the other host answers %d", code)
	}
	for name, c := range map[string]struct {
		to   string
		want bool
	}{
		"the same host": {h.URL(), true}, "another": {other.URL(), false}, "a public one": {"https://example.com", false},
	} {
		h.SetFault(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				if rest, ok := strings.CutPrefix(q.URL.RequestURI(), "/octo/one.git"); ok {
					http.Redirect(w, q, c.to+"/octo/renamed.git"+rest, http.StatusMovedPermanently)
					return
				}
				next.ServeHTTP(w, q)
			})
		})
		before := len(other.Requests())
		r, base := dependOn(t, 0, h.RepoURL("octo/one"))
		_, out, err := clone(t, base+r.Path(0))
		if (err == nil) != c.want || len(other.Requests()) != before {
			t.Errorf("%s: %v: %s; %d arrived elsewhere", name, err, out, len(other.Requests())-before)
		}
		if f := r.Failure(0); !c.want && (f == nil || f.Heals || !strings.Contains(f.Message, "does not list")) {
			t.Errorf("%s: failure %+v", name, f)
		}
	}
}

func TestPrivateRepositoryIsNoDependency(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{Token: canary})
	commit(t, h, "octo/private")
	r, base := dependOn(t, 0, h.RepoURL("octo/private"), h.RepoURL("octo/nowhere"))
	for i := range 2 {
		if _, out, err := clone(t, base+r.Path(i)); err == nil || !strings.Contains(out, "without credentials") {
			t.Errorf("%d: %v: %s", i, err, out)
		}
		if f := r.Failure(i); f == nil || f.Heals || !strings.Contains(f.Message, "without credentials") {
			t.Errorf("%d: failure %+v", i, f)
		}
	}
}

func TestRepositoriesShareOneBound(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	commit(t, h, "octo/one")
	refs := func(base string, r *Proxy) int {
		code, body := ask(t, base, r.Path(0)+advertise)
		if code != http.StatusOK {
			t.Fatalf("got %d", code)
		}
		return len(body)
	}
	r, base := dependOn(t, 0, h.RepoURL("octo/one"))
	whole := refs(base, r)
	r, base = dependOn(t, int64(whole+whole/2), h.RepoURL("octo/one"))
	if n := refs(base, r); n != whole || r.Failure(0) != nil {
		t.Fatalf("control: the first answer has %d bytes of %d, %+v", n, whole, r.Failure(0))
	}
	ask(t, base, r.Path(0)+advertise)
	if f := r.Failure(0); f == nil || !strings.Contains(f.Message, "the limit: cut off") {
		t.Errorf("the second answer: failure %+v", f)
	}
}

// TestFailureOfAHostThatAnswersInTheEndIsForgotten: pip's git tries again.
func TestFailureOfAHostThatAnswersInTheEndIsForgotten(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	commit(t, h, "octo/one")
	r, base := dependOn(t, 0, h.RepoURL("octo/one"))
	h.SetFault(egresstest.Status(http.StatusBadGateway))
	if code, _ := ask(t, base, r.Path(0)+advertise); code != http.StatusBadGateway || r.Failure(0) == nil ||
		!r.Failure(0).Heals {
		t.Fatalf("control: got %d and %+v", code, r.Failure(0))
	}
	h.SetFault(nil)
	if code, _ := ask(t, base, r.Path(0)+advertise); code != http.StatusOK || r.Failure(0) != nil {
		t.Errorf("got %d and %+v", code, r.Failure(0))
	}
}
