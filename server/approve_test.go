package server

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/github/githubtest/events"
)

// approving asks for a commit's approval.
func (s *site) approving(id, sha string, change ...func(*http.Request)) answer {
	s.t.Helper()
	return s.do(httptest.NewRequest(http.MethodPost, "/api/v1/builds/"+id+"/approve?sha="+sha, nil), change...)
}

// TestTheOperatorsTokenAloneApprovesACommit: no other token, nobody without one, and not another commit.
func TestTheOperatorsTokenAloneApprovesACommit(t *testing.T) {
	s := newSite(t)
	operators, err := s.store.People.RenewOperatorToken(t.Context(), byTest)
	if err != nil {
		t.Fatal(err)
	}
	readers, err := s.store.People.AddToken(t.Context(), byTest, "octo-org/*")
	if err != nil {
		t.Fatal(err)
	}
	s.deliver("pull_request", events.Pull{SHA: commit(0)}.Payload())
	for name, c := range map[string]struct {
		a    answer
		code int
	}{
		"nobody":               {s.approving("1", commit(0)), http.StatusForbidden},
		"a token that reads":   {s.approving("1", commit(0), bearer(readers)), http.StatusForbidden},
		"a token that is none": {s.approving("1", commit(0), bearer("viv_x")), http.StatusUnauthorized},
		"another commit":       {s.approving("1", commit(1), bearer(operators)), http.StatusConflict},
		"no commit":            {s.approving("1", "", bearer(operators)), http.StatusBadRequest},
		"a build that is none": {s.approving("99", commit(0), bearer(operators)), http.StatusNotFound},
		"a program on this machine": {
			s.approving("1", commit(0), func(r *http.Request) { r.RemoteAddr, r.Host = "127.0.0.1:9", "localhost" }),
			http.StatusForbidden,
		},
		"a page of another site": {
			s.approving("1", commit(0), bearer(operators), func(r *http.Request) {
				r.Header.Set("Sec-Fetch-Site", "cross-site")
			}),
			http.StatusForbidden,
		},
	} {
		if c.a.code != c.code {
			t.Errorf("%s: answered %d %s, want %d", name, c.a.code, c.a.body, c.code)
		}
	}
	s.stands(1, pipeline.Unapproved)
	if a := s.approving("1", commit(0), bearer(operators)); a.code != http.StatusOK {
		t.Fatalf("control: answered %d %s", a.code, a.body)
	}
	s.stands(1, pipeline.Queued)
	audit, err := s.store.People.Audit(t.Context(), 1)
	if err != nil || audit[0].Who != "operator" || audit[0].From == "" || !strings.Contains(audit[0].What, commit(0)) {
		t.Errorf("audit %+v, %v", audit, err)
	}
	if a := s.approving("1", commit(0), bearer(operators)); a.code != http.StatusConflict {
		t.Errorf("twice: answered %d %s", a.code, a.body)
	}
}

// TestAnOperatorWhoSignedInApprovesTheCommitOfThePage: the page has the button for nobody else, and
// who sends the form without it is refused.
func TestAnOperatorWhoSignedInApprovesTheCommitOfThePage(t *testing.T) {
	s := newSite(t)
	operators, err := s.store.People.RenewOperatorToken(t.Context(), byTest)
	if err != nil {
		t.Fatal(err)
	}
	operator, reader := s.signedIn(operators), s.signedIn(s.token("octo-org/*"))
	s.deliver("pull_request", events.Pull{SHA: commit(0)}.Payload())
	form := url.Values{"build": {"1"}, "sha": {commit(0)}}
	const button = `action="/approve"`
	for name, who := range map[string]func(*http.Request){"nobody": func(*http.Request) {}, "who may only look": reader} {
		if page := s.get("/logs/1", browser, who); page.code != http.StatusOK || strings.Contains(page.body, button) {
			t.Errorf("%s sees the button: %d %s", name, page.code, page.body)
		}
		if a := s.post("/approve", form, who); a.code != http.StatusForbidden {
			t.Errorf("%s: answered %d %s", name, a.code, a.body)
		}
	}
	other := url.Values{"build": {"1"}, "sha": {commit(1)}}
	if a := s.post("/approve", other, operator); a.code != http.StatusConflict {
		t.Errorf("another commit: answered %d %s", a.code, a.body)
	}
	foreign := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	if a := s.post("/approve", form, operator, foreign); a.code != http.StatusForbidden {
		t.Errorf("a page of another site: answered %d %s", a.code, a.body)
	}
	s.stands(1, pipeline.Unapproved)
	page := s.get("/logs/1", browser, operator)
	if !strings.Contains(page.body, button) || !strings.Contains(page.body, `name="sha" value="`+commit(0)+`"`) {
		t.Errorf("control: the operator sees no button: %s", page.body)
	}
	if a := s.post("/approve", form, operator); a.code != http.StatusSeeOther || a.header.Get("Location") != "/logs/1" {
		t.Errorf("control: answered %d %s", a.code, a.body)
	}
	s.stands(1, pipeline.Queued)
	audit, err := s.store.People.Audit(t.Context(), 1)
	if err != nil || audit[0].Who != "operator, in a browser" {
		t.Errorf("audit %+v, %v", audit, err)
	}
}
