package github_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/github"
	"vivarium/server/github/githubtest"
)

// asking is a client of a stand-in that knows octo/hello.
func asking(t *testing.T) (*githubtest.Server, *github.Client) {
	t.Helper()
	s, err := githubtest.Start(githubtest.Options{Token: "tok"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.AddRepo("octo/hello")
	c, err := github.New(github.Config{APIURL: s.URL(), Tokens: pipeline.FixedToken("tok")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return s, c
}

func TestWhoMayWriteIsGitHubsWordOfThisMoment(t *testing.T) {
	s, c := asking(t)
	for permission, want := range map[string]bool{"admin": true, "write": true, "read": false, "none": false, "": false} {
		s.Repo("octo/hello").Allow("mona", 7, permission)
		if may, err := c.MayWrite(t.Context(), "octo/hello", "mona", 7); err != nil || may != want {
			t.Errorf("with %q: %v, %v", permission, may, err)
		}
	}
	s.Repo("octo/hello").Allow("mona", 7, "admin")
	for name, c2 := range map[string]struct {
		login string
		id    int64
	}{"who has the name now": {"mona", 8}, "nobody's id": {"mona", 0}, "no account": {"hubot", 7}} {
		if may, err := c.MayWrite(t.Context(), "octo/hello", c2.login, c2.id); err != nil || may {
			t.Errorf("%s: %v, %v", name, may, err)
		}
	}
	for _, login := range []string{"", "../x", "dependabot[bot]", "a/b", "mona?x=1"} {
		if may, err := c.MayWrite(t.Context(), "octo/hello", login, 7); err == nil || may {
			t.Errorf("%q: %v, %v", login, may, err)
		}
	}
	s.Fail(githubtest.Refuse(http.StatusInternalServerError, "oops"))
	if may, err := c.MayWrite(t.Context(), "octo/hello", "mona", 7); err == nil || may {
		t.Errorf("where GitHub has trouble: %v, %v", may, err)
	}
}

func TestTheHeadOfAPullRequestIsGitHubsWordOfThisMoment(t *testing.T) {
	s, c := asking(t)
	s.Repo("octo/hello").SetPull(12, sha, "open")
	if got, open, err := c.Head(t.Context(), "octo/hello", 12); err != nil || got != sha || !open {
		t.Errorf("got %s, %v, %v", got, open, err)
	}
	s.Repo("octo/hello").SetPull(12, sha, "closed")
	if got, open, err := c.Head(t.Context(), "octo/hello", 12); err != nil || got != sha || open {
		t.Errorf("closed: got %s, %v, %v", got, open, err)
	}
	s.Repo("octo/hello").SetPull(12, "main", "open")
	for _, number := range []int64{12, 13} {
		if got, _, err := c.Head(t.Context(), "octo/hello", number); err == nil {
			t.Errorf("#%d: got %s", number, got)
		}
	}
}

// TestWhatApprovesIsAskedByATokenForThat: of a GitHub App's tokens no other can read a private
// repository's pull requests.
func TestWhatApprovesIsAskedByATokenForThat(t *testing.T) {
	s, _ := asking(t)
	s.Repo("octo/hello").Allow("mona", 7, "write")
	s.Repo("octo/hello").SetPull(12, sha, "open")
	tokens := &purposes{}
	c, err := github.New(github.Config{APIURL: s.URL(), Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if may, err := c.MayWrite(t.Context(), "octo/hello", "mona", 7); err != nil || !may {
		t.Errorf("may write: %v, %v", may, err)
	}
	if _, _, err := c.Head(t.Context(), "octo/hello", 12); err != nil {
		t.Error(err)
	}
	if want := []string{"octo/hello ask", "octo/hello ask"}; !slices.Equal(tokens.asked, want) {
		t.Errorf("asked for tokens %q, want %q", tokens.asked, want)
	}
}

// purposes gives one token, and notes what for.
type purposes struct{ asked []string }

func (p *purposes) Token(_ context.Context, repo string, purpose pipeline.Purpose) (string, error) {
	p.asked = append(p.asked, repo+" "+string(purpose))
	return "tok", nil
}
