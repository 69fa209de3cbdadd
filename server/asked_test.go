package server

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/github/githubtest/events"
)

// checkPayload is what GitHub tells when somebody presses a button of build's check run; build 0 is
// of the suite.
func checkPayload(t *testing.T, repo, sha, action, button string, build int64) []byte {
	t.Helper()
	event := map[string]any{
		"action": action, "sender": map[string]any{"login": "mona"},
		"repository": map[string]any{"id": 1, "full_name": repo, "private": false},
	}
	if build == 0 {
		event["check_suite"] = map[string]any{"head_sha": sha}
	} else {
		event["check_run"] = map[string]any{"head_sha": sha, "external_id": strconv.FormatInt(build, 10)}
	}
	if button != "" {
		event["requested_action"] = map[string]any{"identifier": button}
	}
	body, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestTheButtonsOfChecksRepeatAndCancelBuilds: each once, and only builds of the repository that the
// delivery is of.
func TestTheButtonsOfChecksRepeatAndCancelBuilds(t *testing.T) {
	s := newSite(t, withApp)
	s.letIn(t)
	const repo = "school/group-a"
	sha := strings.Repeat("a", 40)
	first := s.signed(appSecret, events.Push{Repo: repo, SHA: sha}.Payload())
	if first.code != http.StatusAccepted {
		t.Fatalf("the push is answered %d %s", first.code, first.body)
	}
	state := func(id int64) pipeline.State {
		t.Helper()
		b, err := s.store.Builds.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return b.State
	}
	press := func(secret, of, action, button string, build int64) answer {
		t.Helper()
		event := "check_run"
		if build == 0 {
			event = "check_suite"
		}
		return s.signedEvent(event, secret, checkPayload(t, of, sha, action, button, build))
	}
	press(secretOf(repo, 0), repo, "requested_action", "cancel", 1) // a hook's secret
	press(appSecret, "course/lab-1", "requested_action", "cancel", 1)
	press(appSecret, repo, "created", "", 1)
	if state(1) != pipeline.Queued || s.count() != 1 {
		t.Fatalf("build 1 is %s, of %d", state(1), s.count())
	}
	if got := press(appSecret, repo, "rerequested", "", 1); s.count() != 1 {
		t.Errorf("a build that waits was repeated: %s", got.body)
	}
	if got := press(appSecret, repo, "requested_action", "cancel", 1); state(1) != pipeline.Canceled {
		t.Errorf("Cancel: answered %d %s", got.code, got.body)
	}
	for _, action := range []string{"rerequested", "rerequested"} { // a redelivery repeats nothing
		if got := press(appSecret, repo, action, "", 1); got.code != http.StatusOK || s.count() != 2 {
			t.Errorf("Re-run: answered %d %s, %d builds", got.code, got.body, s.count())
		}
	}
	press(appSecret, repo, "requested_action", "cancel", 2)
	if got := press(appSecret, repo, "rerequested", "", 0); s.count() != 3 || !strings.Contains(got.body, "build 3") {
		t.Errorf("Re-run all: answered %d %s, %d builds", got.code, got.body, s.count())
	}
	if got := press(appSecret, repo, "requested_action", "format the disk", 3); got.code != http.StatusOK ||
		state(3) != pipeline.Queued {
		t.Errorf("another button: answered %d %s", got.code, got.body)
	}
	changes, err := s.store.People.Audit(t.Context(), 10, repo)
	if err != nil || len(changes) == 0 || changes[0].Who != "mona on GitHub" {
		t.Errorf("the audit says %+v, %v", changes, err)
	}
}

// TestWhatTheAppSeesIsReportedByChecks: by what it delivered, until it says that it sees it no longer.
func TestWhatTheAppSeesIsReportedByChecks(t *testing.T) {
	s := newSite(t, withApp)
	s.letIn(t)
	sees := func(name string) bool {
		t.Helper()
		entries, err := s.store.Entries.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name == name {
				return e.App
			}
		}
		return false
	}
	push := func(secret, repo, n string) {
		t.Helper()
		sha := strings.Repeat(n, 40)
		if got := s.signed(secret, events.Push{Repo: repo, SHA: sha}.Payload()); got.code != http.StatusAccepted {
			t.Fatalf("%s: answered %d %s", repo, got.code, got.body)
		}
	}
	push(secretOf("school/group-b", 0), "school/group-b", "a")
	push(appSecret, "school/group-a", "b")
	push(appSecret, "course/lab-1", "c")
	if sees("school/group-b") || !sees("school/group-a") || !sees("course/lab-1") || sees("course/lab-*") {
		t.Errorf("seen: %v, %v, %v", sees("school/group-a"), sees("school/group-b"), sees("course/lab-1"))
	}
	gone := installedPayload(t, "removed", map[string][]string{"repositories_removed": {"course/lab-1"}})
	s.signedEvent("installation_repositories", appSecret, gone)
	if sees("course/lab-1") || !sees("school/group-a") {
		t.Error("what it sees no longer still counts as seen")
	}
	s.signedEvent("installation", appSecret, installedPayload(t, "created", map[string][]string{
		"repositories": {"course/lab-1"},
	}))
	if !sees("course/lab-1") {
		t.Error("an installation is not noted")
	}
}
