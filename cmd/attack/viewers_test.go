package attack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/store"
	"vivarium/server/store/builds"
	"vivarium/server/store/people"
)

// shop is a server that others can reach, with a private build and a token of each of two groups.
type shop struct {
	*receiver
	ofA, ofB int64
	a, b     string // tokens
}

func newShop(t *testing.T) *shop {
	t.Helper()
	builds, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{receiver: receive(t, builds, func(c *server.Config) {
		c.Repositories, c.PublicBuilds = []string{"school/*"}, true
		c.PublicURL = "http://ci.example" // so that nobody counts as a program on this machine
	})}
	s.ofA, s.ofB = s.pushOf(t, "school/group-a"), s.pushOf(t, "school/group-b")
	for pattern, token := range map[string]*string{"school/group-a": &s.a, "school/group-b": &s.b} {
		if *token, err = builds.People.AddToken(t.Context(), people.Actor{Who: "the suite"}, pattern); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

var pushes byte

// pushOf pushes a private repository, and gives the build's id.
func (s *shop) pushOf(t *testing.T, repo string) int64 {
	t.Helper()
	pushes++
	before := s.count(t)
	body := events.Push{Repo: repo, Private: true, SHA: fmt.Sprintf("%040x", 0xabc00+int(pushes))}.Payload()
	if code, text := s.post(t, events.Header(secret, "push", body), body); code != http.StatusAccepted {
		t.Fatalf("a push of %s is answered %d %s", repo, code, text)
	}
	list, err := s.builds.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}, Limit: 1})
	if err != nil || s.count(t) != before+1 || list[0].State != pipeline.Queued {
		t.Fatalf("the push of %s: %v, %v", repo, list, err)
	}
	return list[0].ID
}

// ask gives the answer's status, and its headers and body as one text, without the time when it was
// made.
func (s *shop) ask(t *testing.T, path string, header http.Header) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience(t, 5*time.Second)) // a followed log does not end
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		q.Header[name] = values
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	r, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	r.Header.Del("Date")
	return r.StatusCode, fmt.Sprint(r.Header) + string(text)
}

func as(token string, more ...string) http.Header {
	h := http.Header{"Authorization": {"Bearer " + token}}
	for i := 0; i < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

const anyBrowser = "text/html,*/*;q=0.8"

// TestOthersBuilds: group A has a token of its own, and wants to see group B's builds, or whether
// there are any. Each address is asked for the next build before that exists, and again when it
// does.
func TestOthersBuilds(t *testing.T) {
	s := newShop(t)
	next := s.ofB + 1
	at := func(path string) string { return fmt.Sprintf(path, next) }
	trials := map[string]struct {
		tried, path string
		header      http.Header
	}{
		"page":       {"A's token on the page of B's build", at("/logs/%d"), as(s.a, "Accept", anyBrowser)},
		"json":       {"the same as JSON", at("/logs/%d"), as(s.a)},
		"raw":        {"its raw log", at("/logs/%d/raw"), as(s.a)},
		"raw-follow": {"its raw log, followed", at("/logs/%d/raw?follow=1"), as(s.a)},
		"events":     {"its events", at("/logs/%d/events"), as(s.a)},
		"list":       {"the list of builds", "/logs", as(s.a)},
		"list-before": {
			"the list, from a number on",
			fmt.Sprintf("/logs?before=%d", next+5),
			as(s.a, "Accept", anyBrowser),
		},
		"verdicts": {
			"the verdicts of B's repository, the export's page",
			"/verdicts?at=2099-01-01T00:00:00Z&repo=school/group-b",
			as(s.a),
		},
		"all-verdicts": {
			"the verdicts of all repositories",
			"/verdicts?at=2099-01-01T00:00:00Z&repo=school/*",
			as(s.a),
		},
		"two-tokens": {
			"A's token twice",
			at("/logs/%d"),
			http.Header{"Authorization": {"Bearer " + s.a, "Bearer " + s.a}},
		},
		"no-token": {"no token", at("/logs/%d"), http.Header{"Accept": {anyBrowser}}},
		"basic":    {"the token as a password", at("/logs/%d"), http.Header{"Authorization": {"Basic " + s.a}}},
		"claimed-local": {
			"the word that it comes from the server's machine",
			at("/logs/%d"),
			http.Header{"X-Forwarded-For": {"127.0.0.1"}, "X-Real-Ip": {"127.0.0.1"}, "Forwarded": {"for=127.0.0.1"}},
		},
	}
	before := map[string]string{}
	for name, c := range trials {
		code, text := s.ask(t, c.path, c.header)
		before[name] = fmt.Sprint(code, text)
	}
	if id := s.pushOf(t, "school/group-b"); id != next {
		t.Fatalf("the next build is %d, not %d", id, next)
	}
	for name, c := range trials {
		attack(t, name, c.tried, func(t *testing.T, l *line) {
			l.control = s.ownerSees(t, c.path)
			code, text := s.ask(t, c.path, c.header)
			if got := fmt.Sprint(code, text); got != before[name] {
				t.Errorf("before: %s\nafter:  %s", before[name], got)
			}
			if strings.Contains(strings.ReplaceAll(text, "repo=school", ""), "group-b") {
				t.Errorf("B is named: %s", text)
			}
			l.outcome = fmt.Sprintf("%d, byte for byte as before there was such a build", code)
		})
	}
}

// ownerSees is the control: with B's token, this address shows something of B's. A followed log
// does not end.
func (s *shop) ownerSees(t *testing.T, path string) string {
	t.Helper()
	path = strings.NewReplacer("?follow=1", "", "/events", "", "/raw", "").Replace(path)
	code, text := s.ask(t, path, as(s.b))
	if code != http.StatusOK || !strings.Contains(text, "group-b") && !strings.Contains(text, fmt.Sprint(s.ofB+1)) {
		t.Fatalf("control: B's token gets %d %s at %s", code, text, path)
	}
	return "by B's token it is there"
}

// TestGuessedTokens: somebody without a token makes some up, and claims other addresses when that
// is refused.
func TestGuessedTokens(t *testing.T) {
	s := newShop(t)
	page := fmt.Sprintf("/logs/%d", s.ofB)
	control := func(t *testing.T) string {
		if code, _ := s.ask(t, page, as(s.b)); code != http.StatusOK {
			t.Fatalf("control: the right token gets %d", code)
		}
		return "the right one opens the build"
	}
	for name, token := range map[string]string{
		"empty": "", "prefix": "viv_", "cut": s.b[:len(s.b)-1], "longer": s.b + "A",
		"other-letters": strings.ToUpper(s.b),
		"wildcard":      "%", "quote": "' OR ''='", "another's": "viv_" + strings.Repeat("A", 43),
	} {
		attack(t, name, fmt.Sprintf("a bearer that is wrong in one way (%s)", name), func(t *testing.T, l *line) {
			l.control = control(t)
			code, _ := s.ask(t, page, as(token))
			if code != http.StatusUnauthorized {
				t.Errorf("answered %d", code)
			}
			l.outcome = fmt.Sprint(code)
		})
	}
	attack(t, "many", "more and more of them at the form, from claimed addresses", func(t *testing.T, l *line) {
		sign := func(token, from string) int { return s.signInFrom(t, token, from) }
		if code := sign(s.b, "192.0.2.1"); code != http.StatusSeeOther {
			t.Fatalf("control: the right token signs in with %d", code)
		}
		tries := 0
		for code := http.StatusUnauthorized; code == http.StatusUnauthorized && tries < 100; tries++ {
			code = sign("viv_wrong", fmt.Sprintf("192.0.2.%d", tries))
		}
		if code := sign(s.b, "198.51.100.1"); code != http.StatusTooManyRequests {
			t.Errorf("then the right one signs in with %d", code)
		}
		l.control, l.outcome = "the right one signs in first",
			fmt.Sprintf("429 from the %dth on, also for a token that is right", tries)
	})
}

// signInFrom sends the form as a program that claims an address.
func (s *shop) signInFrom(t *testing.T, token, from string) int {
	t.Helper()
	form := url.Values{"token": {token}, "next": {"/"}}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/sign-in",
		strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "CF-Connecting-IP", "True-Client-IP"} {
		q.Header.Set(name, from)
	}
	r, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return r.StatusCode
}
