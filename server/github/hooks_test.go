package github_test

import (
	"errors"
	"fmt"
	"testing"

	"vivarium/server/github"
	"vivarium/server/github/githubtest"
)

// The stand-in's repositories have custom properties that are lists, as GitHub's may.
func TestRepositoriesAreReadWhateverTheirProperties(t *testing.T) {
	s, c := connect(t, githubtest.Options{User: "mona"})
	for i := range 120 {
		s.AddRepo(fmt.Sprintf("school/group-%03d", i))
	}
	s.AddRepo("mona/own")
	s.Repo("school/group-007").Archive()
	org, err := c.Repositories(t.Context(), "School")
	if err != nil || len(org) != 0 { // the stand-in compares names as written
		t.Errorf("of another name: %v, %v", org, err)
	}
	org, err = c.Repositories(t.Context(), "school")
	if err != nil || len(org) != 120 || org[7] != (github.Repository{FullName: "school/group-007", Archived: true}) ||
		org[119].FullName != "school/group-119" {
		t.Errorf("an organization's: %d, %v", len(org), err)
	}
	if user, err := c.Repositories(t.Context(), "mona"); err != nil || len(user) != 1 ||
		user[0].FullName != "mona/own" {
		t.Errorf("a user's: %v, %v", user, err)
	}
	id, err := c.IDOf(t.Context(), "mona/own")
	if err != nil || id == 0 {
		t.Fatalf("its id: %d, %v", id, err)
	}
	if name, err := c.NameOf(t.Context(), id); err != nil || name != "mona/own" {
		t.Errorf("its name: %q, %v", name, err)
	}
}

func TestHookIsMadeOnceAndThenChanged(t *testing.T) {
	s, c := connect(t, githubtest.Options{})
	const where = "http://127.0.0.1:1/webhook"
	id, created, err := c.EnsureHook(t.Context(), repo, where, "first")
	if err != nil || !created {
		t.Fatalf("made: %d, %v, %v", id, created, err)
	}
	again, created, err := c.EnsureHook(t.Context(), repo, where, "second")
	if err != nil || created || again != id {
		t.Errorf("changed: %d, %v, %v", again, created, err)
	}
	if hooks := s.Hooks(); len(hooks) != 1 || hooks[0].Secret != "second" {
		t.Errorf("GitHub has %+v", hooks)
	}
	if _, created, err = c.EnsureHook(t.Context(), repo, where+"2", "third"); err != nil || !created {
		t.Errorf("for another address: %v, %v", created, err)
	}
}

func TestHookRefusalsAreGitHubsWords(t *testing.T) {
	s, c := connect(t, githubtest.Options{})
	s.Repo(repo).RefuseHooks(githubtest.HookRefusal{Code: 403, Message: "Must have admin rights to Repository."})
	_, _, err := c.EnsureHook(t.Context(), repo, "http://127.0.0.1:1", "x")
	var refusal *github.APIError
	if !errors.As(err, &refusal) || refusal.Code != 403 || refusal.Message != "Must have admin rights to Repository." {
		t.Errorf("got %v", err)
	}
}
