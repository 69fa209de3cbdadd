package github_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/github"
	"vivarium/server/github/githubtest"
	"vivarium/server/heads"
)

// sha is a commit of these tests.
func shaOf(n int) string { return fmt.Sprintf("%040x", n) }

func TestALookSeesAllBranchesAndAsksOnlyWhatHasChanged(t *testing.T) {
	s, c := connect(t, githubtest.Options{})
	at := github.Branches{Client: c}
	s.AddRepo("octo/hello")
	var want []heads.Head
	for n := range 250 {
		name := fmt.Sprintf("topic-%03d", n)
		s.Repo("octo/hello").SetRef(name, shaOf(n+1))
		want = append(want, heads.Head{Ref: pipeline.BranchRef(name), SHA: shaOf(n + 1)})
	}
	first, err := at.Look(t.Context(), "octo/hello", nil)
	if err != nil || !first.Changed || !slices.Equal(first.Heads, want) || first.Repo.DefaultBranch != "main" ||
		first.Repo.ID == 0 || first.Repo.Private || first.Archived {
		t.Fatalf("at first: %+v, %v", first, err)
	}
	before := len(s.Requests())
	second, err := at.Look(t.Context(), "octo/hello", first)
	if err != nil || second.Changed || !slices.Equal(second.Heads, want) || second.Repo != first.Repo {
		t.Fatalf("again: %+v, %v", second, err)
	}
	for _, r := range s.Requests()[before:] {
		if r.Header.Get("If-None-Match") == "" {
			t.Errorf("%s asked for what is known", r.Path)
		}
	}
	s.Repo("octo/hello").SetRef("topic-123", shaOf(999))
	s.Repo("octo/hello").SetPrivate(true)
	third, err := at.Look(t.Context(), "octo/hello", second)
	if err != nil || !third.Changed || third.Heads[123].SHA != shaOf(999) || !third.Repo.Private {
		t.Errorf("after a push: %+v, %v", third, err)
	}
}

// TestALookSeesABranchOnANewPage: the full page before it is as it was.
func TestALookSeesABranchOnANewPage(t *testing.T) {
	s, c := connect(t, githubtest.Options{})
	at := github.Branches{Client: c}
	s.AddRepo("octo/hello")
	for n := range 100 {
		s.Repo("octo/hello").SetRef(fmt.Sprintf("topic-%03d", n), shaOf(1))
	}
	first, err := at.Look(t.Context(), "octo/hello", nil)
	if err != nil || len(first.Heads) != 100 {
		t.Fatalf("%d branches, %v", len(first.Heads), err)
	}
	s.Repo("octo/hello").SetRef("zz", shaOf(2))
	second, err := at.Look(t.Context(), "octo/hello", first)
	if err != nil || len(second.Heads) != 101 || !second.Changed {
		t.Errorf("%d branches, changed %t, %v", len(second.Heads), second.Changed, err)
	}
}

func TestALookSaysWhyItSeesNothing(t *testing.T) {
	s, c := connect(t, githubtest.Options{})
	at := github.Branches{Client: c}
	_, err := at.Look(t.Context(), "octo/absent", nil)
	if !github.IsRefused(err, http.StatusNotFound) || github.IsLimited(err) {
		t.Errorf("not there: %v", err)
	}
	s.Fail(githubtest.SecondaryLimit(http.StatusForbidden, "60"))
	if _, err = at.Look(t.Context(), "octo/absent", nil); !github.IsLimited(err) ||
		github.IsRefused(err, http.StatusForbidden) {
		t.Errorf("limited: %v", err)
	}
	if _, err = at.Look(t.Context(), "../user", nil); err == nil || !strings.Contains(err.Error(), "full name") {
		t.Errorf("no name: %v", err)
	}
}

// TestAStatusFollowsARenaming: the build that runs knows the old name alone.
func TestAStatusFollowsARenaming(t *testing.T) {
	s, c := connect(t, githubtest.Options{})
	s.AddRepo("octo/hello")
	s.Repo("octo/hello").Rename("octo/bye")
	st := pipeline.CommitStatus{Repo: "octo/hello", SHA: shaOf(1), Context: "vivarium", State: "success"}
	if err := c.Post(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	if got := s.Statuses(); len(got) != 1 || got[0].Repo != "octo/bye" {
		t.Errorf("got %+v", got)
	}
}

func TestACommitIsToldAsADeliveryWould(t *testing.T) {
	s, c := connect(t, githubtest.Options{})
	at := github.Branches{Client: c}
	s.AddRepo("octo/hello", shaOf(1))
	got, err := at.Commit(t.Context(), "octo/hello", shaOf(1))
	if want := (github.Commit{Author: "mona", Message: "Add a test"}); got != want || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	s.Repo("octo/hello").SetMessage("Write the manual\n\n[skip ci]")
	if got, err = at.Commit(t.Context(), "octo/hello", shaOf(1)); got.Marker != "[skip ci]" || err != nil {
		t.Errorf("one that asks not to be built: %+v, %v", got, err)
	}
	if _, err = at.Commit(t.Context(), "octo/hello", shaOf(2)); !github.IsRefused(err, http.StatusNotFound) {
		t.Errorf("not there: %v", err)
	}
}
