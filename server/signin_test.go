package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// post sends a form as this server's own page does.
func (s *site) post(path string, form url.Values, change ...func(*http.Request)) answer {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(r, append([]func(*http.Request){browser}, change...)...)
}

func (s *site) signIn(token, next string, change ...func(*http.Request)) answer {
	s.t.Helper()
	return s.post("/sign-in", url.Values{"token": {token}, "next": {next}}, change...)
}

// cookieOf is the cookie that an answer sets, or nil.
func cookieOf(a answer) *http.Cookie {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		return c
	}
	return nil
}

func with(c *http.Cookie) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value}) }
}

// signedIn makes a request come from a signed-in browser.
func (s *site) signedIn(token string) func(*http.Request) {
	s.t.Helper()
	a := s.signIn(token, "/")
	c := cookieOf(a)
	if a.code != http.StatusSeeOther || c == nil {
		s.t.Fatalf("signing in is answered %d %v", a.code, a.header)
	}
	return with(c)
}

// TestThePageOfNothingLeadsThroughSignInToTheBuild is what a person does who follows a commit
// status.
func TestThePageOfNothingLeadsThroughSignInToTheBuild(t *testing.T) {
	g := newGroups(t)
	target := buildPath(g.ofA)
	none := g.get(target, browser)
	if want := fmt.Sprintf(`<input type="hidden" name="next" value="%s">`, target); none.code != 404 ||
		!strings.Contains(none.body, want) {
		t.Fatalf("the page is %d, without %s: %s", none.code, want, none.body)
	}
	if csp := none.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self'") {
		t.Errorf("the form may not be sent: %s", csp)
	}
	a := g.signIn(g.tokenA, target)
	if a.code != http.StatusSeeOther || a.header.Get("Location") != target {
		t.Fatalf("signing in leads to %q (%d)", a.header.Get("Location"), a.code)
	}
	page := g.get(target, browser, with(cookieOf(a)))
	if page.code != 200 || !strings.Contains(page.body, "Signed in: <bdi>o/group-a</bdi>") {
		t.Errorf("then it is %d: %s", page.code, page.body)
	}
	if other := g.get(buildPath(g.ofB), browser, with(cookieOf(a))); other.code != 404 ||
		!strings.Contains(other.body, `name="token"`) {
		t.Errorf("another group's page is %d, and does not ask for its token: %s", other.code, other.body)
	}
}

func TestTheSessionsCookieIsOutOfReach(t *testing.T) {
	for _, c := range []struct {
		public, name, path string
		secure             bool
	}{
		{"", "vivarium", "/", false},
		{"https://ci.example", "__Host-vivarium", "/", true},
		{"https://ci.example/builds", "__Secure-vivarium", "/builds/", true},
	} {
		g := newGroups(t, func(config *Config) { config.PublicURL = c.public })
		a := g.signIn(g.tokenA, "/logs")
		k := cookieOf(a)
		if k == nil || k.Name != c.name || k.Path != c.path || k.Secure != c.secure || !k.HttpOnly ||
			k.SameSite != http.SameSiteLaxMode || k.Domain != "" || k.MaxAge <= 0 {
			t.Errorf("%q: the cookie is %+v", c.public, k)
		}
		if strings.Contains(fmt.Sprint(a.header), g.tokenA) {
			t.Error("the answer holds the token")
		}
		if want := strings.TrimSuffix(c.path, "/") + "/logs"; a.header.Get("Location") != want {
			t.Errorf("%q leads to %s, want %s", c.public, a.header.Get("Location"), want)
		}
	}
}

func TestSigningOutEndsTheSessionItself(t *testing.T) {
	g := newGroups(t)
	a := g.signedIn(g.tokenA)
	if g.get(buildPath(g.ofA), a).code != 200 {
		t.Fatal("control: the session does not open the build")
	}
	out := g.post("/sign-out", nil, a)
	if k := cookieOf(out); out.code != http.StatusSeeOther || k == nil || k.MaxAge >= 0 {
		t.Errorf("answered %d with %+v", out.code, k)
	}
	if code := g.get(buildPath(g.ofA), a).code; code != 404 {
		t.Errorf("who kept the cookie still gets %d", code)
	}
}

// TestASessionIsNewAtEachSignIn: an attacker who put their session into a browser does not share
// the victim's.
func TestASessionIsNewAtEachSignIn(t *testing.T) {
	g := newGroups(t)
	planted := cookieOf(g.signIn(g.tokenA, "/"))
	victim := g.signIn(g.operator, "/", with(planted))
	if fresh := cookieOf(victim); fresh == nil || fresh.Value == planted.Value {
		t.Fatal("the session is the planted one")
	}
	if code := g.get(buildPath(g.ofB), with(cookieOf(victim))).code; code != 200 {
		t.Errorf("control: the victim gets %d", code)
	}
	for _, id := range []int64{g.ofA, g.ofB} {
		if code := g.get(buildPath(id), with(planted)).code; code != 404 {
			t.Errorf("the planted session gets %d of build %d", code, id)
		}
	}
}

func TestACookieOfAnothersMakingIsNone(t *testing.T) {
	g := newGroups(t)
	good := cookieOf(g.signIn(g.operator, "/"))
	foreign := newGroups(t, func(c *Config) { c.Key = "another operator's key entirely" })
	for name, k := range map[string]*http.Cookie{
		"cut":           {Name: good.Name, Value: good.Value[:len(good.Value)-3]},
		"changed":       {Name: good.Name, Value: strings.ToUpper(good.Value)},
		"another key's": cookieOf(foreign.signIn(foreign.operator, "/")),
		"empty":         {Name: good.Name},
	} {
		if code := g.get(buildPath(g.ofB), with(k)).code; code != 404 {
			t.Errorf("%s: %d", name, code)
		}
		if code := g.get(buildPath(g.open), with(k)).code; code != 200 {
			t.Errorf("%s: a public build is %d: a browser cannot help what it holds", name, code)
		}
	}
	if code := g.get(buildPath(g.ofB), with(good)).code; code != 200 {
		t.Errorf("control: the good one gets %d", code)
	}
}

func TestSigningInLeadsNowhereElse(t *testing.T) {
	for next, want := range map[string]string{
		"/logs/7": "/logs/7", "/logs?before=3": "/logs?before=3",
		"/verdicts?repo=o%2Fa&at=2026": "/verdicts?repo=o%2Fa&at=2026", "/a b": "/a%20b",
		"": "/", "logs": "/", "https://evil.example": "/", "//evil.example": "/", "///evil.example": "/evil.example",
		"/\\evil.example": "/", "\\\\evil.example": "/", "/\tevil.example": "/", "/\n/evil.example": "/",
		"javascript:alert(1)": "/",
		"/..//evil.example":   "/evil.example", "/%2F/evil.example": "/evil.example",
		"/%5Cevil.example":  "/%5Cevil.example",
		"http:evil.example": "/", "//user@evil.example/": "/", "/%0d%0aSet-Cookie:x": "/%0D%0ASet-Cookie:x",
		"?next=//evil.example": "/",
		"/sign-in":             "/", "/sign-in?next=/x": "/", "/x/../sign-out": "/", "/#//evil.example": "/",
	} {
		got := ownPath(next)
		if got != want {
			t.Errorf("ownPath(%q) = %q, want %q", next, got, want)
		}
		u, err := url.Parse("https://ci.example/logs")
		if err != nil {
			t.Fatal(err)
		}
		if to, err := u.Parse(got); err != nil || to.Host != "ci.example" || to.Scheme != "https" {
			t.Errorf("%q leads to %v, %v", next, to, err)
		}
	}
	g := newGroups(t)
	if a := g.signIn(g.tokenA, "//evil.example/"); a.header.Get("Location") != "/" {
		t.Errorf("the form leads to %q", a.header.Get("Location"))
	}
}

func TestFailedSignInsAreRateLimited(t *testing.T) {
	g := newGroups(t)
	from := func(address string) func(*http.Request) {
		return func(r *http.Request) { r.RemoteAddr = address }
	}
	here := from("[2001:db8:1:1::1]:1000")
	for i := range 3 * signInBurst { // success costs nothing
		if a := g.signIn(g.tokenA, "/", here); a.code != http.StatusSeeOther {
			t.Fatalf("sign-in %d: %d", i, a.code)
		}
	}
	for i := range signInBurst {
		if a := g.signIn("viv_wrong", "/", here); a.code != http.StatusUnauthorized ||
			!strings.Contains(a.body, "not known") {
			t.Fatalf("failure %d: %d", i, a.code)
		}
	}
	for name, a := range map[string]answer{
		"a wrong token":                         g.signIn("viv_wrong", "/", here),
		"the right token, which may be guessed": g.signIn(g.tokenA, "/", here),
		"another address of the subscriber's":   g.signIn(g.tokenA, "/", from("[2001:db8:1:1:ffff::2]:1000")),
		"a claimed address": g.signIn(g.tokenA, "/", here, func(r *http.Request) {
			r.Header.Set("X-Forwarded-For", "192.0.2.9")
		}),
	} {
		if a.code != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || cookieOf(a) != nil {
			t.Errorf("%s: %d %v", name, a.code, a.header)
		}
	}
	for _, other := range []string{"[2001:db8:1:2::1]:1000", "192.0.2.1:1000"} {
		if a := g.signIn(g.tokenA, "/", from(other)); a.code != http.StatusSeeOther {
			t.Errorf("control: from %s: %d", other, a.code)
		}
	}
}

func TestPostsOfOtherSitesAreRefused(t *testing.T) {
	g := newGroups(t, func(c *Config) { c.PublicURL = "https://ci.example" })
	session := g.signedIn(g.tokenA)
	origin := func(site, origin string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			if site != "" {
				r.Header.Set("Sec-Fetch-Site", site)
			}
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
		}
	}
	for name, from := range map[string]func(*http.Request){
		"another site":           origin("cross-site", "https://evil.example"),
		"a sibling":              origin("same-site", "https://other.ci.example"),
		"an old browser's other": origin("", "https://evil.example"),
		"no origin's":            origin("", "null"),
	} {
		for _, path := range []string{"/sign-in", "/sign-out"} {
			a := g.post(path, url.Values{"token": {g.tokenA}}, session, from)
			if a.code != http.StatusForbidden || cookieOf(a) != nil {
				t.Errorf("%s posts to %s: %d %v", name, path, a.code, a.header)
			}
		}
	}
	if g.get(buildPath(g.ofA), session).code != 200 {
		t.Error("a refused post has signed out")
	}
	for name, from := range map[string]func(*http.Request){
		"the own page":         origin("same-origin", "https://ci.example"),
		"an old browser's own": origin("", "https://ci.example"),
	} {
		if a := g.post("/sign-out", nil, session, from); a.code != http.StatusSeeOther {
			t.Errorf("control: %s is answered %d", name, a.code)
		}
	}
}
