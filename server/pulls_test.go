package server

import (
	"net/http"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/forks"
	"vivarium/server/github/githubtest/events"
)

// commit is the n-th commit's id.
func commit(n int) string { return strings.Repeat(string(rune('a'+n)), 40) }

func (s *site) stands(id int64, want pipeline.State) pipeline.Build {
	s.t.Helper()
	b, err := s.store.Builds.Get(s.t.Context(), id)
	if err != nil || b.State != want {
		s.t.Errorf("build %d: %+v, %v; want it %s", id, b, err, want)
	}
	return b
}

// said delivers a pull request and compares the answer.
func (s *site) said(p events.Pull, code int, want string) {
	s.t.Helper()
	if a := s.deliver("pull_request", p.Payload()); a.code != code || a.json(s.t)["message"] != want {
		s.t.Errorf("answered %d %s, want %d %q", a.code, a.body, code, want)
	}
}

func TestAPushAndItsPullRequestAreAnsweredWithOneBuild(t *testing.T) {
	s := newSite(t)
	s.deliver("push", events.Push{Ref: "refs/heads/topic", SHA: commit(0)}.Payload())
	s.said(events.Pull{Same: true, SHA: commit(0)}, http.StatusOK,
		"build 1: the commit was pushed and is a pull request's head, and its build is queued: /logs/1")
	s.said(events.Pull{Same: true, SHA: commit(1), Action: "synchronize", Updated: "2026-11-03T00:00:00Z"},
		http.StatusAccepted, "build 2: queued: /logs/2")
	a := s.deliver("push", events.Push{Ref: "refs/heads/topic", SHA: commit(1)}.Payload())
	if a.code != http.StatusOK || a.json(t)["build"] != "2" {
		t.Errorf("the push that came later: %d %s", a.code, a.body)
	}
	for id, path := range map[int64]string{1: "/logs/1", 2: "/logs/2"} {
		if b := s.stands(id, pipeline.Queued); b.Pull != 12 || b.Ref != "refs/heads/topic" {
			t.Errorf("build %d: %+v; want both names", id, b)
		}
		if body := s.get(path).json(t); body["pull_request"] != 12.0 || body["fork"] != false ||
			body["ref"] != "refs/heads/topic" || body["trigger"] != "push" {
			t.Errorf("in JSON: %v", body)
		}
		if page := s.get(path, browser).body; !strings.Contains(page, "/octo-org/hello/pull/12\">#12</a>") ||
			!strings.Contains(page, "topic") {
			t.Errorf("the page has not both names: %s", page)
		}
	}
}

func TestAForksPullRequestWaitsForAnApprovalAndSaysSoEverywhere(t *testing.T) {
	s := newSite(t)
	s.said(events.Pull{SHA: commit(0)}, http.StatusAccepted,
		"build 1: the code of a fork: it waits until somebody who may write to the repository approves the commit, "+
			"by the comment /vivarium run or at /logs/1")
	s.stands(1, pipeline.Unapproved)
	body := s.get("/logs/1").json(t)
	if body["status"] != "pending" || body["state"] != "unapproved" || body["fork"] != true ||
		body["queue_position"] != nil {
		t.Errorf("in JSON: %v", body)
	}
	statuses, err := s.store.Outbox.Statuses(t.Context(), 1)
	if err != nil || len(statuses) != 1 || statuses[0].State != "pending" ||
		!strings.Contains(statuses[0].Description, "/vivarium run") || len(statuses[0].Description) > 140 {
		t.Errorf("statuses %+v, %v", statuses, err)
	}
	if page := s.get("/logs/1", browser).body; !strings.Contains(page, "vivarium builds approve 1 --sha "+commit(0)) {
		t.Errorf("the page does not say how: %s", page)
	}
}

// TestWhatAForkSaysOfItselfApprovesNothing: title, branch, author and base are a stranger's words.
func TestWhatAForkSaysOfItselfApprovesNothing(t *testing.T) {
	for name, p := range map[string]events.Pull{
		"title":              {Title: "/vivarium run"},
		"branch":             {Branch: "vivarium-approve"},
		"author":             {Author: "vivarium"},
		"the base's branch":  {Branch: "main"},
		"an owner":           {Association: "OWNER"},
		"deleted":            {HeadGone: true},
		"ready":              {Action: "ready_for_review"},
		"opened again":       {Action: "reopened"},
		"by somebody of it":  {SenderID: 1, Association: "MEMBER"},
		"somebody who was":   {Association: "COLLABORATOR"},
		"an earlier approve": {Title: "approved", Action: "synchronize"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.deliver("pull_request", p.Payload())
			if b := s.stands(1, pipeline.Unapproved); !b.Fork {
				t.Errorf("got %+v", b)
			}
		})
	}
	s := newSite(t) // the control
	s.deliver("pull_request", events.Pull{Same: true}.Payload())
	s.stands(1, pipeline.Queued)
}

// TestARetargetedPullRequestIsNotApprovedByIt: nor is it built anew, since the head is the same.
func TestARetargetedPullRequestIsNotApprovedByIt(t *testing.T) {
	s := newSite(t)
	s.deliver("pull_request", events.Pull{SHA: commit(0)}.Payload())
	a := s.deliver("pull_request", events.Pull{SHA: commit(0), Action: "edited", Retargeted: "release"}.Payload())
	if a.code != http.StatusOK || s.count() != 1 {
		t.Errorf("answered %d %s with %d builds", a.code, a.body, s.count())
	}
	s.stands(1, pipeline.Unapproved)
}

func TestAPushAndAClosedPullRequestEndWhatWaitsForAnApproval(t *testing.T) {
	s := newSite(t)
	s.deliver("pull_request", events.Pull{SHA: commit(0)}.Payload())
	s.deliver("pull_request",
		events.Pull{SHA: commit(1), Action: "synchronize", Updated: "2026-11-03T00:00:00Z"}.Payload())
	s.stands(1, pipeline.Canceled)
	s.stands(2, pipeline.Unapproved)
	closed := events.Pull{SHA: commit(1), Action: "closed", HeadGone: true}
	s.said(closed, http.StatusOK, "#12 was closed: what waited of it for an approval has ended")
	s.stands(2, pipeline.Canceled)
	s.said(closed, http.StatusOK, "#12 was closed, and nothing of it waited for an approval")
}

func TestTheOperatorsPolicyOnForksHolds(t *testing.T) {
	known := events.Pull{Association: "CONTRIBUTOR"}
	by := func(p events.Pull, sender int64) events.Pull { p.SenderID = sender; return p }
	for _, c := range []struct {
		policy forks.Policy
		p      events.Pull
		want   pipeline.State // empty: no build
	}{
		{"", known, pipeline.Unapproved},
		{forks.Approve, known, pipeline.Unapproved},
		{forks.Contributors, known, pipeline.Queued},
		{forks.Contributors, by(known, 5), pipeline.Unapproved},
		{forks.Contributors, events.Pull{}, pipeline.Unapproved},
		{forks.All, events.Pull{}, pipeline.Queued},
		{forks.None, known, ""},
	} {
		s := newSite(t, func(k *Config) { k.Forks = c.policy })
		a := s.deliver("pull_request", c.p.Payload())
		if c.want == "" {
			if a.code != http.StatusOK || s.count() != 0 || !strings.Contains(a.body, "VIVARIUM_FORKS=none") {
				t.Errorf("%s: answered %d %s with %d builds", c.policy, a.code, a.body, s.count())
			}
			continue
		}
		if b := s.stands(1, c.want); !b.Fork {
			t.Errorf("%s: %+v", c.policy, b)
		}
	}
}

// TestAPullRequestThatSaysPrivateHidesBuilds: whatever becomes of it.
func TestAPullRequestThatSaysPrivateHidesBuilds(t *testing.T) {
	for name, p := range map[string]events.Pull{
		"of a fork": {}, "of a branch": {Same: true}, "closed": {Action: "closed"}, "labeled": {Action: "labeled"},
	} {
		s := newSite(t)
		s.deliver("push", events.Push{}.Payload())
		if s.stands(1, pipeline.Queued).Repo.Private {
			t.Fatal("control: the build is private")
		}
		p.Private = true
		s.deliver("pull_request", p.Payload())
		if !s.stands(1, pipeline.Queued).Repo.Private {
			t.Errorf("%s: the build is still public", name)
		}
	}
}
