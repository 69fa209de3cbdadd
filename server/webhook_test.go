package server

import (
	"bytes"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/people"
)

// deliver posts a signed delivery.
func (s *site) deliver(event string, body []byte, change ...func(*http.Request)) answer {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/webhook", bytes.NewReader(body))
	r.Header = events.Header(secret, event, body)
	return s.do(r, change...)
}

func (s *site) count() int {
	s.t.Helper()
	builds, err := s.store.Builds.List(s.t.Context(), builds.Query{Sight: builds.Sight{All: true}})
	if err != nil {
		s.t.Fatal(err)
	}
	return len(builds)
}

func TestPushIsAnswered202WithItsBuildOnDisk(t *testing.T) {
	s := newSite(t)
	sha := strings.Repeat("a", 40)
	a := s.deliver("push", events.Push{Repo: "o/n", SHA: sha, Author: "mona"}.Payload())
	body := a.json(t)
	if a.code != http.StatusAccepted || body["success"] != true || body["message"] == "" || body["build"] != "1" {
		t.Fatalf("answered %d %s", a.code, a.body)
	}
	b, err := s.store.Builds.Get(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if b.State != pipeline.Queued || b.SHA != sha || b.Repo.FullName != "o/n" || b.Author != "mona" ||
		b.Ref != "refs/heads/main" {
		t.Errorf("stored %+v", b)
	}
}

func TestPushOverAQuotaIsAnswered202AndSaysSoEverywhere(t *testing.T) {
	s := newSite(t)
	s.deliver("push", events.Push{Repo: "o/n", SHA: strings.Repeat("a", 40)}.Payload())
	if _, err := s.store.Entries.Limit(t.Context(), people.Actor{}, "o/n",
		func(l *registry.Limits) { l.Queue = 1 }); err != nil {
		t.Fatal(err)
	}
	const why = "over quota: 1 of 1 builds wait; push again when fewer do"
	a := s.deliver("push", events.Push{Repo: "o/n", SHA: strings.Repeat("b", 40)}.Payload())
	if body := a.json(t); a.code != http.StatusAccepted || body["message"] != "build 2: "+why {
		t.Errorf("answered %d %s", a.code, a.body)
	}
	body := s.get("/logs/2").json(t)
	if body["status"] != "error" || body["state"] != "canceled" || body["cause"] != "quota" || body["summary"] != why {
		t.Errorf("the build in JSON: %v", body)
	}
	if page := s.get("/logs/2", browser); page.code != http.StatusOK || !strings.Contains(page.body, why) {
		t.Errorf("the page does not say why: %d %s", page.code, page.body)
	}
}

func TestFormEncodedPushIsBuilt(t *testing.T) {
	s := newSite(t)
	body := []byte(url.Values{"payload": {string(events.Push{}.Payload())}}.Encode())
	a := s.deliver("push", body, func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
	if a.code != http.StatusAccepted || s.count() != 1 {
		t.Errorf("answered %d %s with %d builds, want 202 and one", a.code, a.body, s.count())
	}
}

func TestDuplicateDeliveriesAreAnsweredAndNotBuiltTwice(t *testing.T) {
	s := newSite(t)
	first := events.Push{SHA: strings.Repeat("a", 40)}.Payload()
	other := events.Push{SHA: strings.Repeat("b", 40)}.Payload()
	guid := func(r *http.Request) { r.Header.Set("X-GitHub-Delivery", "11111111-2222") }
	s.deliver("push", first, guid)
	for name, a := range map[string]answer{
		"same GUID": s.deliver("push", other, guid),
		"same body": s.deliver("push", first),
	} {
		if body := a.json(t); a.code != http.StatusAccepted || body["success"] != true || body["build"] != "1" {
			t.Errorf("%s: answered %d %s, want 202 with build 1", name, a.code, a.body)
		}
	}
	if s.count() != 1 {
		t.Errorf("%d builds, want 1", s.count())
	}
	s.deliver("push", other)
	if s.count() != 2 {
		t.Errorf("%d builds after a new delivery, want 2: a refused duplicate must not use up its body", s.count())
	}
}

func TestDeliveriesThatAskForNoBuildAreAnswered200(t *testing.T) {
	s := newSite(t)
	for name, a := range map[string]answer{
		"ping": s.deliver("ping", []byte(`{"zen":"x","repository":{"full_name":"octo/hello","id":7}}`)),
		"issues": s.deliver("issues",
			[]byte(`{"action":"opened","repository":{"full_name":"octo/hello","id":7}}`)),
		"deleted branch": s.deliver("push", events.Push{Deleted: true}.Payload()),
		"tag":            s.deliver("push", events.Push{Ref: "refs/tags/v1"}.Payload()),
	} {
		if body := a.json(t); a.code != http.StatusOK || body["success"] != true || body["message"] == "" {
			t.Errorf("%s: answered %d %s, want 200 with the reason", name, a.code, a.body)
		}
	}
	if s.count() != 0 {
		t.Errorf("%d builds, want none", s.count())
	}
}

// TestTheWebhookWithASlashIsTheWebhook: GitHub follows no redirect, and would show 404 for ever.
func TestTheWebhookWithASlashIsTheWebhook(t *testing.T) {
	for path, code := range map[string]int{"/webhook": 202, "/webhook/": 202, "/webhook//": 404, "/webhook/x": 404,
		"/logs/": 404} {
		s := newSite(t)
		a := s.deliver("push", events.Push{}.Payload(), func(r *http.Request) { r.URL.Path = path })
		if a.code != code {
			t.Errorf("POST %s is answered %d %s, want %d", path, a.code, a.body, code)
		}
	}
}

func TestRedeliveredPushSaysWhatItsBuildCameTo(t *testing.T) {
	s := newSite(t)
	s.config.PublicURL = "https://ci.example.org/vivarium/"
	body := events.Push{SHA: strings.Repeat("a", 40)}.Payload()
	guid := func(r *http.Request) { r.Header.Set("X-GitHub-Delivery", "11111111-2222") }
	redeliver := func(want string) {
		t.Helper()
		if a := s.deliver("push", body, guid); a.code != http.StatusAccepted || a.json(t)["message"] != want {
			t.Errorf("answered %d %s, want 202 %q", a.code, a.body, want)
		}
	}
	redeliver("build 1: queued: https://ci.example.org/vivarium/logs/1")
	redeliver("build 1: this delivery is known already, and its build is queued: " +
		"https://ci.example.org/vivarium/logs/1")
	if err := s.store.Queue.Cancel(t.Context(), byTest, 1); err != nil {
		t.Fatal(err)
	}
	redeliver("build 2: queued: this delivery was known already, and build 1 of it had come to nothing: " +
		"https://ci.example.org/vivarium/logs/2")
	s.config.PublicURL = ""
	redeliver("build 2: this delivery is known already, and its build is queued: /logs/2")
}

func TestBranchWithoutCommitsIsBuiltOnceOnly(t *testing.T) {
	s := newSite(t)
	made := events.Push{Created: true, NoCommits: true, SHA: strings.Repeat("a", 40)}
	if a := s.deliver("push", made.Payload()); a.code != http.StatusAccepted || a.json(t)["build"] != "1" {
		t.Errorf("at a commit without a build: answered %d %s, want 202 with build 1", a.code, a.body)
	}
	made.Ref = "refs/heads/copy"
	a := s.deliver("push", made.Payload())
	if want := "build 1: the branch was created without commits of its own, " +
		"and its commit's build is queued: /logs/1"; a.code != http.StatusOK || a.json(t)["message"] != want {
		t.Errorf("at a commit with one: answered %d %s, want 200 %q", a.code, a.body, want)
	}
	if s.count() != 1 {
		t.Errorf("%d builds, want 1", s.count())
	}
}

// TestADeliveryThatSaysPrivateHidesBuildsAtOnce: even one that asks for no build.
func TestADeliveryThatSaysPrivateHidesBuildsAtOnce(t *testing.T) {
	const repository = `"repository":{"full_name":"octo/hello","id":7,"private":true}}`
	for name, c := range map[string]struct {
		event string
		body  []byte
	}{
		"privatized":     {"repository", []byte(`{"action":"privatized",` + repository)},
		"ping":           {"ping", []byte(`{"zen":"z",` + repository)},
		"other event":    {"star", []byte(`{"action":"created",` + repository)},
		"deleted branch": {"push", events.Push{Repo: "octo/hello", Private: true, Deleted: true}.Payload()},
		"tag":            {"push", events.Push{Repo: "octo/hello", Private: true, Ref: "refs/tags/v1"}.Payload()},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.deliver("push", events.Push{Repo: "octo/hello"}.Payload())
			private := func() bool {
				b, err := s.store.Builds.Get(t.Context(), 1)
				if err != nil {
					t.Fatal(err)
				}
				return b.Repo.Private
			}
			public := bytes.Replace(c.body, []byte(`"private":true`), []byte(`"private":false`), 1)
			if a := s.deliver(c.event, public); a.code != http.StatusOK || private() {
				t.Fatalf("control: that says public: %d %s, private %v", a.code, a.body, private())
			}
			wrong := func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", events.Sign("wrong", c.body)) }
			if a := s.deliver(c.event, c.body, wrong); a.code != http.StatusUnauthorized || private() {
				t.Errorf("that nobody signed: %d %s, private %v", a.code, a.body, private())
			}
			if a := s.deliver(c.event, c.body); a.code != http.StatusOK || !private() {
				t.Errorf("answered %d %s, private %v", a.code, a.body, private())
			}
		})
	}
}

func TestForcedPushBackToAnOldCommitIsBuilt(t *testing.T) {
	s := newSite(t)
	if a := s.deliver("push", events.Push{Forced: true, NoCommits: true}.Payload()); a.code != http.StatusAccepted {
		t.Errorf("answered %d %s, want 202", a.code, a.body)
	}
}

func TestRefusedDeliveriesSayWhyAndBuildNothing(t *testing.T) {
	s := newSite(t)
	push := events.Push{}.Payload()
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Del(name)
			if value != "" {
				r.Header.Set(name, value)
			}
		}
	}
	for name, c := range map[string]struct {
		code int
		got  answer
	}{
		"no signature":          {401, s.deliver("push", push, header("X-Hub-Signature-256", ""))},
		"no signature, no body": {401, s.deliver("push", nil, header("X-Hub-Signature-256", ""))},
		"wrong signature": {401, s.deliver("push", push,
			header("X-Hub-Signature-256", events.Sign("other", push)))},
		"SHA-1 only": {401, s.deliver("push", push, header("X-Hub-Signature-256", ""),
			header("X-Hub-Signature", "sha1=0123456789012345678901234567890123456789"))},
		"unsigned and of another type": {401,
			s.deliver("push", push, header("X-Hub-Signature-256", ""), header("Content-Type", "text/plain"))},
		"another type": {415, s.deliver("push", push, header("Content-Type", "text/plain"))},
		"no JSON":      {400, s.deliver("push", []byte("{"))},
		"no push": {400,
			s.deliver("push", []byte(`{"ref":1,"repository":{"full_name":"octo/hello","id":7}}`))},
		"no event": {400, s.deliver("push", push, header("X-GitHub-Event", ""))},
		"too large": {413, s.deliver("push", nil, func(r *http.Request) {
			r.ContentLength = maxDelivery + 1
		})},
	} {
		t.Run(name, func(t *testing.T) { c.got.wantProblem(t, c.code) })
	}
	if s.count() != 0 {
		t.Errorf("%d builds, want none", s.count())
	}
}

func TestBodyOfUnknownLengthIsCutAtTheLimit(t *testing.T) {
	s := newSite(t)
	zeros := bytes.Repeat([]byte{'0'}, maxDelivery+1)
	chunked := func(r *http.Request) { r.ContentLength = -1 }
	s.deliver("push", zeros, chunked).wantProblem(t, http.StatusRequestEntityTooLarge)
	// Positive control: GitHub's largest payload is read, and refused only for its content.
	s.deliver("push", zeros[:maxDelivery], chunked).wantProblem(t, http.StatusBadRequest)
}

func TestEveryAnswerAtTheWebhookHasSuccessAndMessage(t *testing.T) {
	s := newSite(t)
	a := s.get("/webhook")
	a.wantProblem(t, http.StatusMethodNotAllowed)
	if a.header.Get("Allow") == "" {
		t.Error("405 without an Allow header")
	}
	s.get("/webhook/x").wantProblem(t, http.StatusNotFound)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	a = s.deliver("push", events.Push{}.Payload())
	a.wantProblem(t, http.StatusInternalServerError)
	if strings.Contains(a.body, "database") || strings.Contains(a.body, "sql") {
		t.Errorf("a failure of the server's own is told to the client: %s", a.body)
	}
}

// TestAMarkedCommitIsSkippedAndSaysSoEverywhere: in the answer, with how it is built; page; JSON.
func TestAMarkedCommitIsSkippedAndSaysSoEverywhere(t *testing.T) {
	s := newSite(t)
	const why = "the commit's message says [skip ci]"
	a := s.deliver("push", events.Push{Message: "Say hello\n\nin words [skip ci]"}.Payload())
	want := "build 1: skipped: " + why + "; to build it all the same, run on the server: vivarium builds rerun 1"
	if a.code != http.StatusAccepted || a.json(t)["message"] != want {
		t.Errorf("answered %d %s, want %q", a.code, a.body, want)
	}
	body := s.get("/logs/1").json(t)
	if body["status"] != "success" || body["state"] != "skipped" || body["cause"] != "skipped" ||
		body["summary"] != why {
		t.Errorf("the build in JSON: %v", body)
	}
	if page := s.get("/logs/1", browser); page.code != http.StatusOK ||
		!strings.Contains(page.body, html.EscapeString(why)) ||
		strings.Contains(page.body, "<em>Redeliver</em>") {
		t.Errorf("the page: %d %s", page.code, page.body)
	}
	s.deliver("push", events.Push{SHA: strings.Repeat("b", 40), Message: "Say hello"}.Payload())
	if body := s.get("/logs/2").json(t); body["state"] != "queued" {
		t.Errorf("the control is %v", body["state"])
	}
}
