package egress

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vivarium/sandbox/egress/egresstest"
)

func TestGitFollowsARenamedRepositoryWithoutTheToken(t *testing.T) {
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	sha := commit(t, h, "octo/renamed")
	h.SetFault(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if rest, ok := strings.CutPrefix(r.URL.RequestURI(), "/octo/demo.git"); ok {
				http.Redirect(w, r, "/octo/renamed.git"+rest, http.StatusMovedPermanently)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	g := NewGit(GitConfig{Upstream: h.RepoURL("octo/demo"), Token: canary})
	dir, out, err := fetch(t, serve(t, g)+GitPath, sha)
	if err != nil {
		t.Fatalf("fetch: %v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, ".git", "FETCH_HEAD")); err != nil {
		t.Error(err)
	}
	var withToken, without int
	for _, r := range h.Requests() {
		switch has := r.Header.Get("Authorization") != ""; {
		case has && strings.HasPrefix(r.Path, "/octo/demo.git"):
			withToken++
		case has:
			t.Errorf("the token went to %s", r.Path)
		case strings.HasPrefix(r.Path, "/octo/renamed.git"):
			without++
		}
	}
	if withToken == 0 || without == 0 {
		t.Errorf("%d requests with the token to the old place, %d to the new: the test shows nothing", withToken,
			without)
	}
}

func TestGitRefusesRedirectsElsewhere(t *testing.T) {
	oracle := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	commit(t, oracle, "octo/demo")
	refs := "/octo/demo.git/info/refs?service=git-upload-pack"
	if code, _ := raw(t, oracle.URL(), get(refs)); code != 200 {
		t.Fatalf("control: the oracle answers %d", code)
	}
	before := len(oracle.Requests())
	h := egresstest.GitHostFor(t, egresstest.GitHostConfig{})
	for name, location := range map[string]string{
		"private address by number": oracle.URL() + refs,
		"private address by name":   strings.Replace(oracle.URL(), "127.0.0.1", "localhost", 1) + refs,
		"mapped address":            strings.Replace(oracle.URL(), "127.0.0.1", "[::ffff:127.0.0.1]", 1) + refs,
		"metadata":                  "http://169.254.169.254" + refs,
		"with another path":         h.URL() + "/octo/demo.git/HEAD",
		"with another query":        h.URL() + "/octo/demo.git/info/refs?service=git-receive-pack",
		"file":                      "file:///etc/passwd",
		"nothing":                   "",
		"to itself for ever":        refs,
	} {
		t.Run(name, func(t *testing.T) {
			h.SetFault(func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", location)
					w.WriteHeader(http.StatusFound)
				})
			})
			g := NewGit(GitConfig{Upstream: h.RepoURL("octo/demo"), Token: canary})
			code, body := raw(t, serve(t, g), get(GitPath+"/info/refs?service=git-upload-pack"))
			if code != http.StatusBadGateway || !strings.Contains(body, "redirect") {
				t.Errorf("answered %d: %s", code, body)
			}
			if f := g.Failure(); f == nil || f.Unreachable {
				t.Errorf("failure %+v, want one that is not worth a retry", f)
			}
		})
	}
	if got := len(oracle.Requests()); got != before {
		t.Errorf("%d requests reached the oracle", got-before)
	}
}
