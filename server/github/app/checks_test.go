package app

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/checkrun"
	"vivarium/server/github"
	"vivarium/server/github/githubtest"
)

func withChecks(c *Config) { c.Checks = true }

// run is a check run of build 7.
func run(status, conclusion string, marked int) checkrun.Run {
	r := checkrun.Run{Repo: repo, SHA: sha, Name: "vivarium", Build: 7, URL: "https://ci.example.org/logs/7",
		Status: status, Conclusion: conclusion, Title: "a title", Summary: "a summary",
		Actions: []checkrun.Action{{Label: "Re-run", Description: "Again", Identifier: checkrun.Rerun}}}
	for i := range marked {
		r.Annotations = append(r.Annotations, checkrun.Annotation{Path: "a.py", Line: i + 1, Title: "t", Message: "m"})
	}
	return r
}

func TestACheckRunIsMadeOnceAndChangedAfterwards(t *testing.T) {
	w := newWorld(t, withChecks)
	c := w.client(t, w.Source)
	id := post(t, c, run("queued", "", 0))
	for _, r := range []checkrun.Run{run("in_progress", "", 0), run("completed", "failure", 2)} {
		r.ID = id
		if got := post(t, c, r); got != id {
			t.Errorf("%s: another run, %d in place of %d", r.Status, got, id)
		}
	}
	all := w.hub.Apps().Checks()
	want := []string{"queued: a title", "in_progress: a title", "failure: a title"}
	if len(all) != 1 || !slices.Equal(all[0].History, want) || all[0].ExternalID != "7" || len(all[0].Annotations) != 2 ||
		all[0].Actions[0].Identifier != checkrun.Rerun {
		t.Errorf("got %+v", all)
	}
}

// TestAnnotationsGoFiftyARequestAndNoneTwice: though a request in the middle fails.
func TestAnnotationsGoFiftyARequestAndNoneTwice(t *testing.T) {
	w := newWorld(t, withChecks)
	c := w.client(t, w.Source)
	post(t, c, run("queued", "", 0)) // the token is there
	r := run("completed", "failure", 120)
	w.hub.Fail(githubtest.None(), githubtest.None(), githubtest.AcceptAndRefuse(http.StatusBadGateway))
	id, err := c.PostCheck(t.Context(), r)
	if _, later := errors.AsType[*pipeline.RetryError](err); !later || id == 0 {
		t.Fatalf("control: %d, %v", id, err)
	}
	r.ID = id
	post(t, c, r)
	last := w.hub.Apps().Checks()[1]
	lines := map[int]bool{}
	for _, a := range last.Annotations {
		lines[a.StartLine] = true
	}
	if len(last.Annotations) != 120 || len(lines) != 120 {
		t.Errorf("%d annotations of %d lines", len(last.Annotations), len(lines))
	}
}

func TestARunWhoseAnswerWasLostIsFoundAgain(t *testing.T) {
	w := newWorld(t, withChecks)
	c := w.client(t, w.Source)
	other := run("queued", "", 0)
	other.Build = 6
	post(t, c, other)
	w.hub.Fail(githubtest.AcceptAndDrop())
	r := run("queued", "", 0)
	if _, err := c.PostCheck(t.Context(), r); err == nil {
		t.Fatal("control: the answer came")
	}
	r.Retried = true
	made := w.hub.Apps().Checks()
	if got := post(t, c, r); got != made[len(made)-1].ID || len(w.hub.Apps().Checks()) != len(made) {
		t.Errorf("got the run %d of %d", got, len(w.hub.Apps().Checks()))
	}
}

// TestARunThatIsGoneIsMadeAnew: it was deleted, or another App made it.
func TestARunThatIsGoneIsMadeAnew(t *testing.T) {
	w := newWorld(t, withChecks)
	r := run("completed", "success", 0)
	r.ID = 12345
	if id := post(t, w.client(t, w.Source), r); id == 0 || id == r.ID || len(w.hub.Apps().Checks()) != 1 {
		t.Errorf("got the run %d of %+v", id, w.hub.Apps().Checks())
	}
	gone := r
	gone.Repo = other
	w.hub.Apps().Uninstall(w.in)
	if _, err := w.client(t, w.Source).PostCheck(t.Context(), gone); err == nil {
		t.Error("control: where the App is not installed a run was made")
	}
}

func TestWithoutAnAppThereAreNoChecks(t *testing.T) {
	w := newWorld(t, withChecks)
	_, err := w.client(t, pipeline.FixedToken("ghp_person")).PostCheck(t.Context(), run("queued", "", 0))
	if refused, ok := errors.AsType[*pipeline.RefusedError](err); !ok || refused.Code != http.StatusForbidden ||
		!strings.Contains(fmt.Sprint(err), "GitHub App") {
		t.Errorf("got %v", err)
	}
}

func post(t *testing.T, c *github.Client, r checkrun.Run) int64 {
	t.Helper()
	id, err := c.PostCheck(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
