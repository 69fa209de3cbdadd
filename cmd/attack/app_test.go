package attack

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/store/people"
)

const appSecret = "the secret of the operator's App, of no value"

// TestTheAppsDeliveries: a server has a GitHub App. Whoever installs the App in a repository of their
// own has GitHub sign for it; whoever manages a hook signs by that hook's secret.
func TestTheAppsDeliveries(t *testing.T) {
	r := newAppServer(t)
	const mine, theirs = "school/group-a", "school/group-b"
	sha := strings.Repeat("b", 40)
	for i, repo := range []string{mine, theirs} {
		if code := r.sign(t, appSecret, events.Push{Repo: repo, SHA: sha}.Payload(), false); code != http.StatusAccepted {
			t.Fatalf("control: the App's push of build %d is answered %d", i+1, code)
		}
	}
	control := "what is let in is built by the App's secret"
	for name, repo := range map[string]string{"not-let-in": "evil/repo", "closed": "school/closed"} {
		attack(t, name, "the App is installed in "+repo, func(t *testing.T, l *line) {
			l.control = control
			before := r.count(t)
			code := r.sign(t, appSecret, events.Push{Repo: repo, SHA: sha}.Payload(), false)
			if code < 400 || r.count(t) != before {
				t.Errorf("answered %d, %d builds more", code, r.count(t)-before)
			}
			l.outcome = fmt.Sprintf("%d, no build", code)
		})
	}
	cancel := func(secret, repo string, build int) int {
		body := fmt.Appendf(nil, `{"action":"requested_action","requested_action":{"identifier":"cancel"},`+
			`"check_run":{"head_sha":%q,"external_id":"%d"},"repository":{"id":1,"full_name":%q}}`, sha, build, repo)
		code, _ := r.post(t, events.Header(secret, "check_run", body), body)
		return code
	}
	button := func(name, tried, secret, repo string, build int) {
		attack(t, name, tried, func(t *testing.T, l *line) {
			code := cancel(secret, repo, build)
			if got := r.state(t, build); got != pipeline.Queued {
				t.Errorf("answered %d, and build %d is %s", code, build, got)
			}
			l.control = "by the button of its own check, as GitHub signs it, a build is canceled"
			l.outcome = fmt.Sprintf("%d, the build waits", code)
		})
	}
	button("hooks-secret", "a check's button, by a hook's secret", ownSecret(mine, 0), mine, 1)
	button("anothers-build", "the number of another repository's build", appSecret, mine, 2)
	if cancel(appSecret, mine, 1); r.state(t, 1) != pipeline.Canceled {
		t.Errorf("control: build 1 is %s", r.state(t, 1))
	}
}

// newAppServer is a server with an App, two groups, and one that is closed.
func newAppServer(t *testing.T) *receiver {
	t.Helper()
	builds, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	by := people.Actor{Who: "the suite"}
	for _, name := range []string{"school/group-a", "school/group-b", "school/closed"} {
		if _, err := builds.Entries.Add(t.Context(), by, registry.Repository, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := builds.Entries.Disable(t.Context(), by, "school/closed", true); err != nil {
		t.Fatal(err)
	}
	return receive(t, builds, func(c *server.Config) {
		c.AppSecret, c.WebhookSecret = appSecret, ""
		c.NameOf = func(context.Context, int64) (string, error) { return "", nil }
	})
}

// state is where a build stands.
func (r *receiver) state(t *testing.T, build int) pipeline.State {
	t.Helper()
	b, err := r.builds.Builds.Get(t.Context(), int64(build))
	if err != nil {
		t.Fatal(err)
	}
	return b.State
}
