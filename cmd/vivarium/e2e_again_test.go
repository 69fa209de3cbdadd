package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"vivarium/server/github/githubtest/events"
)

// deliverAs delivers a push to a branch that is not the default branch, and gives the answer.
func (w *world) deliverAs(p events.Push) string {
	w.t.Helper()
	p.Repo, p.Ref = repository, "refs/heads/topic"
	a, err := events.Deliver(w.t.Context(), "http://"+w.addr+"/webhook", webhookSecret, "push", p.Payload())
	if err != nil || a.Code != http.StatusAccepted {
		w.t.Fatalf("deliver: %v, %d %s", err, a.Code, a.Body)
	}
	return string(a.Body)
}

// TestPushesThatNeedNoBuild: one that a newer one supersedes while it waits, and one that is to be
// skipped. What is built knows what it is.
func TestPushesThatNeedNoBuild(t *testing.T) {
	w := newWorld(t, 1)
	w.serve()
	shas := w.commits(4, oneTest(`print("TOLD", os.environ["GITHUB_REPOSITORY"], os.environ["GITHUB_REF_NAME"], `+
		`os.environ["GITHUB_SHA"], os.environ["CI_BUILD_URL"], os.environ.get("GITHUB_ACTIONS")); time.sleep(3)`))
	w.deliverAs(events.Push{SHA: shas[0], Before: events.Zeros, Created: true})
	w.until(2*time.Minute, "the first build runs", func() bool { return w.build("1").State == "running" })
	w.deliverAs(events.Push{SHA: shas[1], Before: shas[0]})
	w.deliverAs(events.Push{SHA: shas[2], Before: shas[1]})
	answer := w.deliverAs(events.Push{SHA: shas[3], Before: shas[2], Message: "change a word [skip ci]"})
	if !strings.Contains(answer, "vivarium builds rerun 4") {
		t.Errorf("the answer to a skipped push: %s", answer)
	}
	w.until(2*time.Minute, "the last build passes", func() bool { return w.build("3").State == "passed" })
	for i, want := range []string{"pending success", "error", "pending success", "success"} {
		w.until(time.Minute, "the statuses of push "+shas[i], func() bool {
			got := strings.Join(w.states(shas[i]), " ")
			return got == want || want == "error" && got == "pending error"
		})
	}
	if got := w.build("2").Cause; got != "superseded" {
		t.Errorf("the cause of the second build is %q", got)
	}
	_, log := w.get("/logs/3/raw")
	if want := "TOLD octo/hello topic " + shas[2] + " http://" + w.addr + "/logs/3 None"; !strings.Contains(log, want) {
		t.Errorf("the log has no %q:\n%s", want, log)
	}
}
