package github_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/github"
	"vivarium/server/github/githubtest"
)

// tokenFunc is a source made of one function.
type tokenFunc func(repo string, purpose pipeline.Purpose) (string, error)

func (f tokenFunc) Token(_ context.Context, repo string, purpose pipeline.Purpose) (string, error) {
	return f(repo, purpose)
}

// TestATokenIsAskedForByRepositoryAndPurpose: for each request of its own, as an app's tokens are
// given.
func TestATokenIsAskedForByRepositoryAndPurpose(t *testing.T) {
	s, _ := connect(t, githubtest.Options{})
	var asked []string
	c := client(t, github.Config{APIURL: s.URL(), Tokens: tokenFunc(func(r string, p pipeline.Purpose) (string, error) {
		asked = append(asked, string(p)+" "+r)
		return token, nil
	})})
	for name, call := range map[string]struct {
		do   func() error
		want string
	}{
		"post": {func() error { return c.Post(t.Context(), status("success")) }, "report " + repo},
		"read": {func() error { _, err := c.Read(t.Context(), repo, sha, "vivarium"); return err }, "report " + repo},
		"list": {func() error { _, err := c.Statuses(t.Context(), repo, sha); return err }, "report " + repo},
		"id":   {func() error { _, err := c.IDOf(t.Context(), repo); return err }, "manage " + repo},
		"hook": {func() error {
			_, _, err := c.EnsureHook(t.Context(), repo, "https://ci.example/webhook", "s")
			return err
		},
			"manage " + repo},
		"owner": {func() error { _, err := c.Repositories(t.Context(), "octo-org"); return err }, "manage "},
		"token": {func() error { _, err := c.Token(t.Context()); return err }, "manage "},
	} {
		asked = nil
		before := len(s.Requests())
		if err := call.do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if made := len(s.Requests()) - before; made == 0 || len(asked) < made {
			t.Errorf("%s: %d requests were made, and tokens asked for %d times", name, made, len(asked))
		}
		if slices.ContainsFunc(asked, func(got string) bool { return got != call.want }) {
			t.Errorf("%s: asked for %q, want %q", name, asked, call.want)
		}
	}
}

// TestWithoutATokenNothingIsSent: a source that has none for now, and a token that no header can
// hold, end a post that is surely not made and may be made later. No token is shown.
func TestWithoutATokenNothingIsSent(t *testing.T) {
	s, _ := connect(t, githubtest.Options{})
	for want, source := range map[string]tokenFunc{
		"the app's tokens are away": func(string, pipeline.Purpose) (string, error) {
			return "", errors.New("the app's tokens are away")
		},
		"holds white space": func(string, pipeline.Purpose) (string, error) { return "hush\n", nil },
	} {
		c := client(t, github.Config{APIURL: s.URL(), Tokens: source})
		err := c.Post(t.Context(), status("success"))
		var retry *pipeline.RetryError
		if !errors.As(err, &retry) || retry.Unsure || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "cannot reach") {
			t.Errorf("Post = %v, want a sure RetryError with %q", err, want)
		}
		if _, err := c.Token(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Token = %v, want %q", err, want)
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	// The control: without any source requests are sent, and carry no token.
	_ = client(t, github.Config{APIURL: s.URL()}).Post(t.Context(), status("success"))
	if all := s.Requests(); len(all) != 1 || all[0].Header.Get("Authorization") != "" || all[0].Method != http.MethodPost {
		t.Errorf("control: %d requests", len(all))
	}
}
