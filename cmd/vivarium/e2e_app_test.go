package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/cmd/vivarium/dotenv"
	"vivarium/server/github/githubtest"
	"vivarium/server/github/githubtest/events"
)

var appSetting = regexp.MustCompile(`VIVARIUM_GITHUB_APP_[A-Z_]+=\S+`)

// TestFromNothingToAGreenCommitByAGitHubApp follows docs/github.md step by step: no token and no
// webhook is set.
func TestFromNothingToAGreenCommitByAGitHubApp(t *testing.T) {
	w := newWorld(t, 1)
	w.unset = []string{"GITHUB_TOKEN", "GITHUB_WEBHOOK_SECRET", "VIVARIUM_REPOSITORIES"}

	// 1, 2: register the App, and set it.
	settings := appSetting.FindAllString(w.said("github-app", "--code", w.acceptManifest()), -1)
	if len(settings) != 3 {
		t.Fatalf("it printed %v", settings)
	}
	text := []byte(strings.Join(settings, "\n") + "\n")
	if err := os.WriteFile(filepath.Join(w.data, dotenv.File), text, 0o600); err != nil {
		t.Fatal(err)
	}
	// 3, 4: install it, and let its repositories in.
	sha := w.commits(1, oneTest("pass"))[0]
	w.GitHub.Apps().Install("octo", nil)
	w.said("repos", "add", "--new", "octo/*")
	// 5: check it.
	if got := w.said("doctor"); !regexp.MustCompile(`(?m)^ok +App `).MatchString(got) {
		t.Errorf("the doctor says\n%s", got)
	}
	// 6: start it, and push.
	w.serve()
	secret := w.GitHub.Apps().App().Secret
	w.tell(secret, "push", events.Push{Repo: repository, SHA: sha}.Payload())
	first := w.checkOf("1")
	if last := first.History[len(first.History)-1]; !strings.HasPrefix(last, "success: passed: 1 test") {
		t.Errorf("GitHub was told %v", first.History)
	}
	if len(w.states(sha)) > 0 {
		t.Errorf("beside the check there are statuses: %v", w.states(sha))
	}
	w.until(10*time.Second, "the token of the clone is revoked", func() bool {
		minted := w.GitHub.Apps().Minted()
		i := slices.IndexFunc(minted, func(m githubtest.Minted) bool { return m.Permissions["contents"] == "read" })
		return i >= 0 && minted[i].Revoked && fmt.Sprint(minted[i].Repos) == "["+repository+"]"
	})
	w.tell(secret, "check_run", fmt.Appendf(nil, `{"action":"rerequested","check_run":{"head_sha":%q,"external_id":"1"},`+
		`"repository":{"id":1,"full_name":%q},"sender":{"login":"mona"}}`, sha, repository))
	w.checkOf("2")
}

// said is what a command prints.
func (w *world) said(args ...string) string {
	w.t.Helper()
	out, err := w.command(args...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("vivarium %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// acceptManifest does what a person does on GitHub's page, and gives the code that GitHub leads to.
func (w *world) acceptManifest() (code string) {
	w.t.Helper()
	text, _, _ := strings.Cut(w.said("github-app", "--manifest"), "\n")
	browser := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		code = r.URL.Query().Get("code")
		return http.ErrUseLastResponse
	}}
	r, err := browser.PostForm(w.GitHub.URL()+"/settings/apps/new", url.Values{"manifest": {text}})
	if err != nil {
		w.t.Fatal(err)
	}
	r.Body.Close()
	if code == "" {
		w.t.Fatalf("GitHub answers the manifest with %d", r.StatusCode)
	}
	return code
}

// tell delivers an event as the App does.
func (w *world) tell(secret, event string, payload []byte) {
	w.t.Helper()
	a, err := events.Deliver(w.t.Context(), "http://"+w.addr+"/webhook", secret, event, payload)
	if err != nil || a.Code >= http.StatusMultipleChoices {
		w.t.Fatalf("%s: %v, answered %d %s", event, err, a.Code, a.Body)
	}
}

// checkOf waits for the end of a build's check run.
func (w *world) checkOf(build string) (found githubtest.Check) {
	w.t.Helper()
	w.until(2*time.Minute, "the check run of build "+build+" ends", func() bool {
		for _, c := range w.GitHub.Apps().Checks() {
			if c.ExternalID == build && c.Status == "completed" {
				found = c
				return true
			}
		}
		return false
	})
	return found
}
