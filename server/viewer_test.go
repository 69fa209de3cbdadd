package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/people"
)

// groups is a server with builds of two private repositories and a public one, and a token for each
// group.
type groups struct {
	*site
	open, ofA, ofB        int64
	operator, tokenA, any string
}

func newGroups(t *testing.T, change ...func(*Config)) groups {
	t.Helper()
	g := groups{site: newSite(t, change...)}
	g.open, g.ofA, g.ofB = g.push("o/open", false), g.push("o/group-a", true), g.push("o/group-b", true)
	var err error
	if g.operator, err = g.store.People.FirstOperatorToken(t.Context(), people.Actor{}); err != nil {
		t.Fatal(err)
	}
	g.tokenA, g.any = g.token("o/group-a"), g.token("o/group-*")
	return g
}

func (s *site) token(pattern string) string {
	s.t.Helper()
	text, err := s.store.People.AddToken(s.t.Context(), people.Actor{}, pattern)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// readings are the ways to read a build, by its ID.
var readings = []struct {
	path   string
	change func(*http.Request)
}{
	{"/logs/%d", func(*http.Request) {}}, {"/logs/%d", browser}, {"/logs/%d/raw", func(*http.Request) {}},
	{"/logs/%d/raw?follow=true", func(*http.Request) {}}, {"/logs/%d/events", func(*http.Request) {}},
	{"/logs/%d", func(r *http.Request) { r.Method = http.MethodHead }},
}

func TestEachSeesTheBuildsThatTheirTokenOpens(t *testing.T) {
	for _, public := range []bool{true, false} {
		g := newGroups(t, func(c *Config) { c.PublicBuilds = public })
		g.drain() // so that following a log ends
		for name, c := range map[string]struct {
			who        func(*http.Request)
			a, b, open bool
		}{
			"nobody":       {func(*http.Request) {}, false, false, public},
			"group a":      {bearer(g.tokenA), true, false, public},
			"all groups":   {bearer(g.any), true, true, public},
			"the operator": {bearer(g.operator), true, true, true},
			"this machine": {local, true, true, true},
			"a here":       {func(r *http.Request) { local(r); bearer(g.tokenA)(r) }, true, false, public},
			"a signed in":  {g.signedIn(g.tokenA), true, false, public},
			"a proxy's word": {func(r *http.Request) {
				r.Header.Set("Authorization", "Basic YTpi")
			}, false, false, public},
		} {
			for id, want := range map[int64]bool{g.ofA: c.a, g.ofB: c.b, g.open: c.open} {
				for _, way := range readings {
					a := g.get(fmt.Sprintf(way.path, id), way.change, c.who)
					if got := a.code == 200; got != want || !got && a.code != 404 {
						t.Errorf("public %v: %s reads "+way.path+": %d, want it seen: %v", public, name, id, a.code,
							want)
					}
				}
			}
			for _, list := range []string{"/logs", "/", "/verdicts"} {
				body := g.get(list, browser, c.who).body
				for repo, want := range map[string]bool{"o/group-a<": c.a, "o/group-b<": c.b, "o/open<": c.open} {
					if got := strings.Contains(body, repo); got != want {
						t.Errorf("public %v: the list at %s shows %s %q: %v", public, list, name, repo, got)
					}
				}
			}
		}
	}
}

// TestNotYoursIsTheSameAsNone requests the next build before it exists, and again when it does and
// is another group's.
func TestNotYoursIsTheSameAsNone(t *testing.T) {
	g := newGroups(t)
	askers := map[string]func(*http.Request){
		"nobody": func(*http.Request) {}, "group a": bearer(g.tokenA), "group a, signed in": g.signedIn(g.tokenA),
	}
	next := g.ofB + 1
	before := map[string]answer{}
	ask := func(keep func(name string, a answer)) {
		for who, as := range askers {
			for i, way := range readings {
				keep(fmt.Sprintf("%s, way %d", who, i), g.get(fmt.Sprintf(way.path, next), way.change, as))
			}
			for _, list := range []string{"/logs", "/verdicts?at=2026-01-01T00:00:00Z",
				"/verdicts?repo=o/group-b&at=2099-01-01T00:00:00Z"} {
				keep(who+", "+list, g.get(list, as))
			}
		}
	}
	ask(func(name string, a answer) { before[name] = a })
	if id := g.push("o/group-b", true); id != next {
		t.Fatalf("the next build is %d, not %d", id, next)
	}
	ask(func(name string, a answer) {
		if b := before[name]; a.code != b.code || a.body != b.body || fmt.Sprint(a.header) != fmt.Sprint(b.header) {
			t.Errorf("%s: before %d %v %q; after %d %v %q", name, b.code, b.header, b.body, a.code, a.header, a.body)
		}
	})
	if a := g.get(buildPath(next), bearer(g.any)); a.code != 200 {
		t.Errorf("control: who may look gets %d", a.code)
	}
}

func TestAnUnknownBearerIsRefusedEverywhereAlike(t *testing.T) {
	g := newGroups(t)
	first := g.get("/", bearer("viv_wrong"))
	if first.code != 401 || first.header.Get("WWW-Authenticate") != `Bearer realm="vivarium"` {
		t.Errorf("answered %d %v", first.code, first.header)
	}
	for _, path := range []string{"/logs", "/verdicts", buildPath(g.open), buildPath(g.ofB), buildPath(99),
		buildPath(g.ofA) + "/raw", "/logs/x/events"} {
		if a := g.get(path, bearer("viv_wrong")); a.code != 401 || a.body != first.body {
			t.Errorf("%s: %d %s", path, a.code, a.body)
		}
		if a := g.get(path, bearer(g.operator)); a.code == 401 {
			t.Errorf("control: %s is refused to a good token", path)
		}
	}
	if a := g.get("/healthz", bearer("viv_wrong")); a.code != 200 {
		t.Errorf("whether the server lives is refused: %d", a.code)
	}
}

// Removing a token, or making a repository private, ends what is being followed.
func TestFollowingEndsWithTheRightToLook(t *testing.T) {
	g := newGroups(t)
	g.bounds.beat = 10 * time.Millisecond
	sc := g.work()
	sc.start(pipeline.StepTest)
	list, err := g.store.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}, State: pipeline.Running})
	if err != nil || len(list) != 1 {
		t.Fatalf("running: %v, %v", list, err)
	}
	running := list[0].ID
	token := g.token("o/*")
	follow := func() *eventSource {
		resp := g.site.open(t.Context(), buildPath(running)+"/events",
			http.Header{"Authorization": {"Bearer " + token}})
		if resp.StatusCode != 200 {
			t.Fatalf("control: answered %d", resp.StatusCode)
		}
		return newEventSource(t, resp)
	}
	es := follow()
	sc.write(pipeline.StepTest, pipeline.Stdout, "before\n")
	for {
		e, ok := es.next()
		if !ok {
			t.Fatal("control: the stream ended while the token was good")
		}
		if e.name == "chunk" {
			break
		}
	}
	tokens, err := g.store.People.Tokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := g.store.People.RemoveToken(t.Context(), people.Actor{}, tokens[len(tokens)-1].ID); err != nil {
		t.Fatal(err)
	}
	for ok := true; ok; _, ok = es.next() { // ends, or the test times out
	}
	sc.end(pipeline.Outcome{State: pipeline.Passed})
	g.ended(running)
}
