package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/server/github/githubtest"
)

// TestGitHubIsToldOfAPushOverItsQuota sets a quota, on a running server, that the repository's
// first build has used up.
func TestGitHubIsToldOfAPushOverItsQuota(t *testing.T) {
	w := newWorld(t, 1)
	w.serve()
	first, _ := w.push(oneTest("pass"))
	w.until(2*time.Minute, "the first build passes", func() bool { return w.build(first).State == "passed" })
	if out, err := w.command("repos", "limit", repository, "--log", "1").CombinedOutput(); err != nil {
		t.Fatalf("set the quota: %v: %s", err, out)
	}
	w.until(time.Minute, "the first log is stored", func() bool {
		out, err := w.command("repos", "list").CombinedOutput()
		return err == nil && strings.Contains(string(out), "/1 byte of log") &&
			!strings.Contains(string(out), " 0 bytes/1 byte")
	})
	id, sha := w.push(oneTest("pass"))
	if b := w.build(id); b.State != "canceled" || b.Attempt != 0 {
		t.Errorf("the build: got %+v, want it canceled without an attempt", b)
	}
	w.until(time.Minute, "GitHub is told", func() bool { return len(w.states(sha)) > 0 })
	w.mu.Lock()
	defer w.mu.Unlock()
	told := w.statuses[slices.IndexFunc(w.statuses, func(st githubtest.Status) bool { return st.SHA == sha })]
	if told.State != "error" || !strings.HasPrefix(told.Description, "over quota: ") ||
		!strings.HasSuffix(told.TargetURL, "/logs/"+id) {
		t.Errorf("the commit status: %+v", told)
	}
}
