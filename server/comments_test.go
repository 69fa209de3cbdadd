package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/forks"
	"vivarium/server/github"
	"vivarium/server/github/githubtest"
	"vivarium/server/github/githubtest/events"
)

// hub is a site whose GitHub knows one pull request of a fork, which waits for an approval.
func hub(t *testing.T, change ...func(*Config)) (*site, *githubtest.Server) {
	t.Helper()
	known, err := githubtest.Start(githubtest.Options{Token: "tok"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { known.Close() })
	known.AddRepo("octo-org/hello")
	known.Repo("octo-org/hello").Allow("mona", 1, "write")
	known.Repo("octo-org/hello").SetPull(12, commit(0), "open")
	client, err := github.New(github.Config{APIURL: known.URL(), Tokens: pipeline.FixedToken("tok")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s := newSite(t, append([]func(*Config){func(c *Config) { c.GitHub = client }}, change...)...)
	s.deliver("pull_request", events.Pull{SHA: commit(0)}.Payload())
	s.stands(1, pipeline.Unapproved)
	return s, known
}

const run = "/vivarium run"

func (s *site) comment(c events.Comment) answer {
	s.t.Helper()
	if c.Text == "" {
		c.Text = run
	}
	return s.deliver("issue_comment", c.Payload())
}

func TestACommentOfWhoMayWriteApprovesTheCommitThatWaits(t *testing.T) {
	s, _ := hub(t)
	a := s.comment(events.Comment{})
	if a.code != http.StatusOK || !strings.Contains(a.body, "mona approved commit "+commit(0)) {
		t.Errorf("answered %d %s", a.code, a.body)
	}
	s.stands(1, pipeline.Queued)
	audit, err := s.store.People.Audit(t.Context(), 1)
	if err != nil || audit[0].Who != "mona (GitHub), by a comment" || !strings.Contains(audit[0].What, commit(0)) {
		t.Errorf("audit %+v, %v", audit, err)
	}
	if a := s.comment(events.Comment{Text: run + "\nagain"}); !strings.Contains(a.body, "nothing of #12 waits") {
		t.Errorf("a second comment: %d %s", a.code, a.body)
	}
}

// TestACommentApprovesNothingUnlessGitHubConfirmsIt: the payload says that its author is the owner.
func TestACommentApprovesNothingUnlessGitHubConfirmsIt(t *testing.T) {
	const repo = "octo-org/hello"
	allow := func(permission string) func(*githubtest.Server) {
		return func(g *githubtest.Server) { g.Repo(repo).Allow("mona", 1, permission) }
	}
	pull := func(head int, state string) func(*githubtest.Server) {
		return func(g *githubtest.Server) { g.Repo(repo).SetPull(12, commit(head), state) }
	}
	for name, c := range map[string]struct {
		is   func(*githubtest.Server)
		says events.Comment
		want string
	}{
		"a stranger":            {nil, events.Comment{Author: "stranger", AuthorID: 7001}, "may not write"},
		"somebody who reads":    {allow("read"), events.Comment{}, "may not write"},
		"who lost the right":    {allow("none"), events.Comment{}, "may not write"},
		"who took over a name":  {nil, events.Comment{AuthorID: 2}, "may not write"},
		"a commit pushed since": {pull(1, "open"), events.Comment{}, "another commit"},
		"one made before the push": {nil, events.Comment{At: time.Now().Add(-240 * time.Hour)},
			"not newer than the commit"},
		"a closed pull request":   {pull(0, "closed"), events.Comment{}, "is closed"},
		"another pull request":    {nil, events.Comment{Number: 13}, "nothing of #13 waits"},
		"an issue":                {nil, events.Comment{Issue: true}, "not on a pull request"},
		"a comment that was made": {nil, events.Comment{Action: "edited"}, "only a new comment"},
		"a quotation":             {nil, events.Comment{Text: "> " + run}, "asks for nothing"},
		"a second line":           {nil, events.Comment{Text: "fine\n" + run}, "asks for nothing"},
		"a title":                 {nil, events.Comment{Text: "fine", Title: run}, "asks for nothing"},
		"one written for another": {nil, events.Comment{SenderID: 7001}, "written for another"},
		"another repository":      {nil, events.Comment{Repo: "octo-org/other", RepoID: 9}, "nothing of #12 waits"},
	} {
		t.Run(name, func(t *testing.T) {
			s, known := hub(t)
			if c.is != nil {
				c.is(known)
			}
			if a := s.comment(c.says); a.code != http.StatusOK || !strings.Contains(a.body, c.want) {
				t.Errorf("answered %d %s, want %q", a.code, a.body, c.want)
			}
			s.stands(1, pipeline.Unapproved)
			known.Repo(repo).Allow("mona", 1, "write") // the control
			known.Repo(repo).SetPull(12, commit(0), "open")
			s.comment(events.Comment{Text: run + "\nnow"})
			s.stands(1, pipeline.Queued)
		})
	}
}

// TestAnApprovalThatGitHubCannotConfirmIsToldSo: and asked for again, it holds.
func TestAnApprovalThatGitHubCannotConfirmIsToldSo(t *testing.T) {
	s, known := hub(t)
	known.Fail(githubtest.Refuse(http.StatusInternalServerError, "oops"))
	if a := s.comment(events.Comment{}); a.code != http.StatusServiceUnavailable || a.json(t)["message"] == "" {
		t.Errorf("answered %d %s", a.code, a.body)
	}
	s.stands(1, pipeline.Unapproved)
	s.comment(events.Comment{})
	s.stands(1, pipeline.Queued)
}

func TestNobodyIsAskedWhereNothingWaits(t *testing.T) {
	s, known := hub(t)
	s.comment(events.Comment{})
	before := len(known.Requests())
	if before == 0 {
		t.Fatal("control: GitHub was not asked")
	}
	s.comment(events.Comment{Text: "hello"})
	s.comment(events.Comment{Text: run + "\nagain"})
	if after := len(known.Requests()); after != before {
		t.Errorf("GitHub was asked %d times", after-before)
	}
}

func TestACommentApprovesNothingWhereForksAreNotBuiltOrNobodyCanBeAsked(t *testing.T) {
	s, _ := hub(t)
	for name, change := range map[string]func(){
		"none":     func() { s.pulls.Policy = forks.None },
		"no token": func() { s.pulls.Policy, s.pulls.GitHub = forks.Approve, nil },
	} {
		change()
		if a := s.comment(events.Comment{}); a.code != http.StatusOK {
			t.Errorf("%s: answered %d %s", name, a.code, a.body)
		}
		s.stands(1, pipeline.Unapproved)
	}
}
