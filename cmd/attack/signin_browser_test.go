package attack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"vivarium/sandbox/eventually"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// TestSignInByBrowser: somebody signs in with a real browser. An attacker has had a hand in what
// the browser holds, where the page leads, or what another site's page makes the browser send.
func TestSignInByBrowser(t *testing.T) {
	s := newShop(t)
	b := newBrowser(t)
	page := func(id int64) string { return fmt.Sprintf("%s/logs/%d", s.URL, id) }

	attack(t, "session-fixation", "the attacker's own session, put into the "+
		"victim's browser before they sign in", func(t *testing.T, l *line) {
		planted := s.sessionOf(t, s.a)
		b.plant(t, s.URL, planted)
		b.open(t, page(s.ofA))
		b.lands(t, `document.body.innerText.includes("school/group-a")`)
		b.signIn(t, page(s.ofB), s.b)
		b.lands(t, `document.body.innerText.includes("Signed in: school/group-b")`)
		l.control = "the planted session opened the attacker's build; the victim sees their own"
		for _, id := range []int64{s.ofA, s.ofB} {
			if code, _ := s.ask(t, fmt.Sprintf("/logs/%d", id),
				http.Header{"Cookie": {planted.Name + "=" + planted.Value}}); code != http.StatusNotFound {
				t.Errorf("by the planted session build %d is answered %d", id, code)
			}
		}
		l.outcome = "the planted session has ended; the victim's is another"
	})
	attack(t, "open-redirect", "sign-in pages that are to lead to another host", func(t *testing.T, l *line) {
		for _, next := range []string{"//localhost/", "https://localhost/", `/\localhost/`, `\\localhost/`,
			"/\t/localhost/", "javascript:window.owned=1", "/..//localhost/"} {
			b.signOut(t, s.URL)
			b.open(t, s.URL+"/sign-in?next="+url.QueryEscape(next))
			b.send(t, s.b)
			b.lands(t, `location.pathname !== "/sign-in" && document.readyState === "complete"`)
			if got := value[string](t, b, `location.origin + (window.owned || "")`); got != s.URL {
				t.Errorf("%q leads to %s", next, got)
			}
		}
		b.signOut(t, s.URL)
		b.signIn(t, page(s.ofB), s.b)
		b.lands(t, `document.body.innerText.includes("school/group-b")`)
		l.control, l.outcome = "an address of the server's own is led to", "each stays on the server"
	})
	attack(t, "cross-site-sign-in", "another site's page that signs the "+
		"victim in as the attacker", func(t *testing.T, l *line) {
		b.signOut(t, s.URL)
		b.open(t, s.otherSite(t, "/sign-in", url.Values{"token": {s.a}, "next": {"/"}}))
		b.lands(t, `document.body.innerText.includes("another site")`)
		b.open(t, page(s.ofA))
		if text := value[string](t, b, "document.body.innerText"); !strings.Contains(text, "Not Found") ||
			strings.Contains(text, "Signed in") {
			t.Errorf("the victim is signed in as the attacker: %s", text)
		}
		b.signIn(t, page(s.ofB), s.b)
		b.lands(t, `document.body.innerText.includes("Signed in: school/group-b")`)
		l.control, l.outcome = "the same form on the server's own page signs in", "403, no session"
	})
	attack(t, "cross-site-sign-out", "another site's page that signs the victim out", func(t *testing.T, l *line) {
		b.open(t, s.otherSite(t, "/sign-out", nil))
		b.lands(t, `document.body.innerText.includes("another site")`)
		b.open(t, page(s.ofB))
		b.lands(t, `document.body.innerText.includes("Signed in: school/group-b")`)
		b.signOut(t, s.URL)
		b.open(t, page(s.ofB))
		b.lands(t, `document.body.innerText.includes("Not Found")`)
		l.control, l.outcome = "the same form on the server's own page signs out", "403, still signed in"
	})
	attack(t, "cookie-read-by-script", "a script in the page that reads the session", func(t *testing.T, l *line) {
		b.signIn(t, page(s.ofB), s.b)
		b.lands(t, `document.body.innerText.includes("Signed in: school/group-b")`)
		if got := value[string](t, b, `(document.cookie = "control=1", document.cookie)`); got != "control=1" {
			t.Errorf("it reads %q", got)
		}
		l.control, l.outcome = "it reads a cookie of its own", "the session is not there"
	})
}

// sessionOf signs in as a program and gives the session's cookie.
func (s *shop) sessionOf(t *testing.T, token string) *http.Cookie {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := client.PostForm(s.URL+"/sign-in", url.Values{"token": {token}})
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	client.CloseIdleConnections()
	if len(r.Cookies()) != 1 {
		t.Fatalf("signing in is answered %d with the cookies %v", r.StatusCode, r.Cookies())
	}
	return r.Cookies()[0]
}

// otherSite is another site's page that sends a form to the server by itself.
func (s *shop) otherSite(t *testing.T, path string, fields url.Values) string {
	t.Helper()
	var inputs strings.Builder
	for name, values := range fields {
		fmt.Fprintf(&inputs, `<input name=%q value=%q>`, name, values[0])
	}
	text := fmt.Sprintf(
		`<!DOCTYPE html><form method="post" action="%s%s">%s</form><script>document.forms[0].submit()</script>`, s.URL,
		path, inputs.String())
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(other.Close)
	return strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
}

func (b *browser) plant(t *testing.T, at string, c *http.Cookie) {
	t.Helper()
	set := func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.SetCookie,
			network.SetCookieParams{Name: c.Name, Value: c.Value, URL: at})
		return err
	}
	if err := chromedp.Do(b.ctx, chromedp.Func(set)); err != nil {
		t.Fatalf("plant a cookie: %v", err)
	}
}

// signIn opens a page that cannot be seen without signing in, and signs in with its form.
func (b *browser) signIn(t *testing.T, page, token string) {
	t.Helper()
	b.open(t, page)
	b.lands(t, `document.querySelector("#token") !== null`)
	b.send(t, token)
}

func (b *browser) send(t *testing.T, token string) {
	t.Helper()
	value[bool](t, b,
		fmt.Sprintf(
			`(document.querySelector("#token").value = %q, document.querySelector("form.signin").submit(), true)`,
			token))
}

func (b *browser) signOut(t *testing.T, at string) {
	t.Helper()
	b.open(t, at+"/logs")
	if value[bool](t, b, `document.querySelector("form.visitor") !== null`) {
		value[bool](t, b, `(document.querySelector("form.visitor").submit(), true)`)
	}
	b.lands(t, `document.querySelector("form.visitor") === null && document.querySelector("p.visitor") !== null`)
}

// lands waits until an expression holds, on whatever page a form leads to. While one page is
// replaced by the next there is none to ask, so errors are no failure until the deadline.
func (b *browser) lands(t *testing.T, expression string) {
	t.Helper()
	var holds bool
	var err error
	if !eventually.Within(patience(t, 40*time.Second), func() bool {
		holds, err = chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression))
		return err == nil && holds
	}) {
		t.Fatalf("the page does not come to %s (%v):\n%.3000s", expression, err,
			value[string](t, b, "document.body.innerText"))
	}
}
