package attack

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/egresstest"
)

// TestGitRedirects lets a hostile git host send the proxy elsewhere.
func TestGitRedirects(t *testing.T) {
	w := theWorld(t)
	source := w.commit(t, map[string]string{"a.py": ""})
	f := newForbidden(t)
	s := w.box(t, "requests.py",
		sendings([]sending{{Name: "fetch", Request: []byte(request("GET", egress.GitPath+advertise, ""))}}))
	fetch := func() result {
		return through(t, s, "git", egress.NewGit(egress.GitConfig{Upstream: source.URL, Token: token}))["fetch"]
	}
	defer w.host.SetFault(nil)
	for name, address := range sorted(f.addresses()) {
		attack(t, name, "a redirect to "+address, func(t *testing.T, l *line) {
			w.host.SetFault(redirect(address + "/x.git" + advertise))
			f.take()
			lookUp(t)
			if err := inTheOpenGet(t, source.URL.String()+advertise); err != nil || len(f.take()) != 1 {
				t.Errorf("control: a client that follows does not get there: %v", err)
			}
			l.control = "a client that follows it gets there"
			lookUp(t)
			told := fetch()
			if reached := f.take(); len(reached) != 0 || strings.HasPrefix(told.detail, "2") {
				t.Errorf("%d requests arrived; the sandbox was told %s", len(reached), told.detail)
			}
			l.outcome = "0 arrived; the sandbox was told " + told.detail
		})
	}
	w.tokenAfterRedirect(t, fetch, source.URL.Path)
}

// tokenAfterRedirect leads the proxy to another repository of the same host. The proxy follows,
// since that is how a host redirects from a renamed repository. It must not send the token there.
func (w *world) tokenAfterRedirect(t *testing.T, fetch func() result, own string) {
	const other = "/attack/renamed.git"
	if _, err := w.host.Commit(t.Context(), "attack/renamed",
		egresstest.Commit{Files: map[string]string{"a.py": ""}}); err != nil {
		t.Fatal(err)
	}
	attack(t, "private-repository", "a redirect to another private "+
		"repository of the same host", func(t *testing.T, l *line) {
		w.host.SetFault(nil)
		if code := inTheClear(t, w.host.URL(), withToken(other+advertise)); code != http.StatusOK {
			t.Errorf("control: with the token the host answers %d", code)
		}
		l.control = "with the token the host answers 200"
		w.host.SetFault(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(a http.ResponseWriter, r *http.Request) {
				if r.URL.Path == other+"/info/refs" {
					next.ServeHTTP(a, r)
					return
				}
				redirect(other+advertise)(next).ServeHTTP(a, r)
			})
		})
		begin := len(w.host.Requests())
		told := fetch()
		var arrived int
		for _, r := range w.host.Requests()[begin:] {
			has := r.Header.Get("Authorization") == authorization
			if strings.HasPrefix(r.Path, other) {
				arrived++
			}
			if has != strings.HasPrefix(r.Path, own) {
				t.Errorf("the token with %s: %v", r.Path, has)
			}
		}
		if arrived != 1 || told.detail != "403" {
			t.Errorf("%d arrived, and the sandbox was told %s", arrived, told.detail)
		}
		l.outcome = fmt.Sprintf("%d arrived, without the token; the sandbox was told %s", arrived, told.detail)
	})
}

func redirect(location string) egresstest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusFound)
		})
	}
}

// inTheOpenGet sends a request as a client does that follows every redirect.
func inTheOpenGet(t *testing.T, address string) error {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience(t, clientTimeout)}
	res, err := client.Get(address)
	if err != nil {
		return err
	}
	return res.Body.Close()
}
