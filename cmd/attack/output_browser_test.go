package attack

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"vivarium/sandbox/egress/egresstest"
	"vivarium/server/github/githubtest/events"
)

// TestOutputInTheBrowser looks at a build whose every text is hostile, in a real browser.
func TestOutputInTheBrowser(t *testing.T) {
	b := newBrowser(t)
	control := b.unsafe(t)
	s := serve(t)
	id := s.pushHostile(t, b.oracle)
	page := s.BuildURL(id)

	b.open(t, page)
	attack(t, "page-of-a-running-build", "markup in the log, in names and in "+
		"the commit, while they arrive", func(t *testing.T, l *line) {
		if state := value[string](t, b, `document.querySelector("#state").textContent`); state != "queued" &&
			state != "running" {
			t.Errorf("control: the page was opened too late, the build is %s", state)
		}
		b.shows(t,
			`document.querySelector("#log").textContent.includes("END OF OUTPUT") && `+
				`document.querySelector("#state").textContent === "failed"`)
		b.judge(t, l, control)
	})
	s.until(t, id, ended)
	attack(t, "page-of-an-ended-build", "the same, as the server writes the page", func(t *testing.T, l *line) {
		b.open(t, page)
		b.shows(t, `document.querySelector("#log").textContent.includes("END OF OUTPUT")`)
		b.judge(t, l, control)
	})
	attack(t, "bidirectional-controls", "characters that turn the direction "+
		"of what stands around them", func(t *testing.T, l *line) {
		const turning = `/[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/.test(`
		if !value[bool](t, b, turning+`"\u202e")`) {
			t.Error("control: they are not seen")
		}
		l.control = "one in the script is seen"
		if value[bool](t, b, turning+`document.documentElement.textContent)`) {
			t.Error("one is in the page")
		}
		l.outcome = "none in the page"
	})
	attack(t, "policy", "markup that has got into the page by another way", func(t *testing.T, l *line) {
		value[bool](t, b,
			`document.addEventListener("securitypolicyviolation", `+
				`() => window.refused = (window.refused || 0) + 1) || true`)
		b.inject(t, b.oracle)
		b.shows(t, `window.refused >= 4 || window.owned`)
		got := b.life(t)
		got.Elements, got.Links = 0, 0 // the injected ones are there, and must do nothing
		b.harmless(t, l, got)
		b.open(t, control.url)
		before := b.control.Load()
		b.inject(t, b.oracle+controlPath)
		b.shows(t, `(window.owned || "").includes("injected")`)
		l.control = fmt.Sprintf("put into a page without policy it runs and asks for %d things",
			b.control.Load()-before)
	})
	attack(t, "list-of-builds", "markup in the commit's message, author and branch", func(t *testing.T, l *line) {
		b.open(t, s.URL+"/")
		b.shows(t, `document.body.textContent.includes("hostile commit")`)
		b.judge(t, l, control)
	})
	attack(t, "raw-log", "the raw log, opened as a page", func(t *testing.T, l *line) {
		b.open(t, page+"/raw")
		b.shows(t, `document.body.textContent.includes("END OF OUTPUT")`)
		b.judge(t, l, control)
	})
	s.headers(t, id)
}

// unsafePage is a page in which the same markup does what it wants.
type unsafePage struct {
	url  string
	life life
}

// unsafe is the control: the markup in a plain page, in the same browser.
func (b *browser) unsafe(t *testing.T) unsafePage {
	t.Helper()
	text := "<!DOCTYPE html><meta charset=utf-8><title>unsafe</title><pre>" + markup(b.oracle+controlPath) + "</pre>"
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(page.Close)
	b.open(t, page.URL)
	b.shows(t, `["script", "onerror", "onload"].every(name => (window.owned || "").includes(name))`)
	got := b.life(t)
	got.Fetched = b.control.Load()
	if got.Elements == 0 || got.Links == 0 || got.Fetched == 0 {
		t.Fatalf("control: in an unsafe page only this comes alive: %+v", got)
	}
	return unsafePage{page.URL, got}
}

// judge fills the report's line of one page.
func (b *browser) judge(t *testing.T, l *line, control unsafePage) {
	t.Helper()
	l.control = fmt.Sprintf("in an unsafe page ran:%s; %d elements, %d requests", control.life.Scripts,
		control.life.Elements, control.life.Fetched)
	b.harmless(t, l, b.life(t))
}

func (b *browser) harmless(t *testing.T, l *line, got life) {
	t.Helper()
	if got != (life{}) {
		t.Errorf("something came alive: %+v", got)
	}
	l.outcome = "no script, no element, no request, no dialog"
}

// inject does what an error in the escaping would do: it puts markup into the open page.
func (b *browser) inject(t *testing.T, origin string) {
	t.Helper()
	value[bool](t, b, fmt.Sprintf(`(() => {
		const s = document.createElement("script")
		s.textContent = %q
		const d = document.createElement("div")
		d.innerHTML = %q
		document.body.append(d, s)
		return true
	})()`, script(origin, "injected"), markup(origin)))
}

// pushHostile delivers the push of a commit all of whose texts are hostile.
func (s *served) pushHostile(t *testing.T, origin string) (id string) {
	t.Helper()
	const repo = "octo/hostile"
	branch := `x"><img/data-attack/src=x/onerror="window.owned='branch'">`
	name := strings.NewReplacer("<", "", ">", "").Replace(hostileName)
	message := "hostile commit " + hostileName + "\n\n" + markup(origin) + strings.ReplaceAll(escapes, "\x00", "")
	shas, err := s.Git.Commit(t.Context(), repo, egresstest.Commit{
		Message: message, Author: name + " <evil@example.com>", Files: hostileTree(origin),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.GitHub.AddRepo(repo)
	id, err = s.Push(t.Context(), events.Push{
		Repo: repo, SHA: shas[0], Ref: "refs/heads/" + branch,
		Author:  `<script data-attack>window.owned='author'</script>` + "\x1b]0;author\x07\u202e",
		Message: message,
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// headers sends requests as programs do. A browser must take no other answer for a page.
func (s *served) headers(t *testing.T, id string) {
	for _, a := range []struct{ name, path, kind string }{
		{"raw", "/raw", "text/plain; charset=utf-8"}, {"events", "/events", "text/event-stream"},
		{"json", "", "application/json"},
	} {
		attack(t, "headers-of-"+a.name, "taking "+a.name+" for a page", func(t *testing.T, l *line) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.BuildURL(id)+a.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(body), "window.owned") {
				t.Error("control: the hostile text is not in it")
			}
			l.control = "the hostile text is in it"
			h := res.Header
			policy := h.Get("Content-Security-Policy")
			if h.Get("Content-Type") != a.kind || h.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.Contains(policy, "default-src 'none'") {
				t.Errorf("the headers are %v", h)
			}
			l.outcome = h.Get("Content-Type") + ", nosniff, " + policy
		})
	}
}
