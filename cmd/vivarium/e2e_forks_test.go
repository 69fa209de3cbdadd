package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox/egress/egresstest"
	"vivarium/server/github/githubtest/events"
)

// TestAForksCommitIsBuiltOnceAMaintainerApprovesIt: out of the base, and with what is there for forks.
// The token, which it is fetched with, is not in reach of its tests.
func TestAForksCommitIsBuiltOnceAMaintainerApprovesIt(t *testing.T) {
	w := newWorld(t, 1)
	w.setting = append(w.setting, "VIVARIUM_FORK_INDEX_URL="+w.Index.URL(), "VIVARIUM_FORK_SHARE=0.75")
	server, _ := w.serve()
	w.Index.Add(egresstest.Wheel("open", "1.0", map[string]string{"openly.py": "ALL = True\n"}))
	_, mains := w.push(oneTest("pass"))
	files := oneTest("import openly; self.assertTrue(openly.ALL)")
	files["requirements.txt"] = "open\n"
	shas, err := w.Git.Commit(t.Context(), repository, egresstest.Commit{Ref: "refs/pull/12/head", Files: files})
	if err != nil {
		t.Fatal(err)
	}
	sha := shas[0]
	w.GitHub.Repo(repository).Allow("mona", 1, "write")
	w.GitHub.Repo(repository).SetPull(12, sha, "open")
	deliver := func(event string, body []byte) string {
		t.Helper()
		a, err := events.Deliver(t.Context(), "http://"+w.addr+"/webhook", webhookSecret, event, body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d %s", a.Code, a.Body)
	}
	said := deliver("pull_request", events.Pull{Repo: repository, SHA: sha}.Payload())
	if !strings.HasPrefix(said, "202 ") {
		t.Fatalf("the pull request was answered %s", said)
	}
	w.until(2*time.Minute, "the pending status, and the push's end", func() bool {
		return slices.Contains(w.states(sha), "pending") && slices.Contains(w.states(mains), "success")
	})
	out, err := w.command("builds", "list", "--state", "unapproved").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "#12") && !strings.Contains(string(out), "refs/pull/12/head") {
		t.Errorf("builds list: %v: %s", err, out)
	}
	said = deliver("issue_comment", events.Comment{Repo: repository, Text: "/vivarium run"}.Payload())
	if !strings.Contains(said, "approved commit "+sha) {
		t.Fatalf("the comment was answered %s", said)
	}
	w.until(2*time.Minute, "the green status", func() bool { return slices.Contains(w.states(sha), "success") })
	id := w.ids()[0]
	_, log := w.get("/logs/" + id + "/raw")
	for _, want := range []string{"The code of a fork", "memory 192 MiB"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	audit, err := w.command("audit").CombinedOutput()
	if err != nil || !strings.Contains(string(audit), "approved build "+id+" of commit "+sha) {
		t.Errorf("audit: %v: %s", err, audit)
	}
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
}
