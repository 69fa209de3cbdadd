package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"vivarium/server/github/githubtest/events"
	"vivarium/server/registry"
)

const appSecret = "the App's secret, which GitHub and the operator have"

func withApp(c *Config) { c.AppSecret = appSecret }

// installedPayload is what GitHub tells of an installation in school; lists are those of its
// repositories.
func installedPayload(t *testing.T, action string, lists map[string][]string) []byte {
	t.Helper()
	event := map[string]any{
		"action": action, "sender": map[string]any{"login": "mona"},
		"installation": map[string]any{"id": 1, "account": map[string]any{"login": "school"}},
	}
	for list, names := range lists {
		var all []any
		for i, name := range names {
			all = append(all, map[string]any{"id": 100 + i, "name": "x", "full_name": name, "private": true})
		}
		event[list] = all
	}
	body, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (s *site) signedEvent(event, secret string, body []byte) answer {
	return s.deliver(event, body, func(r *http.Request) {
		r.Header.Set("X-Hub-Signature-256", events.Sign(secret, body))
	})
}

// TestTheAppsSecretOpensWhatIsLetInAndLetsNothingIn: an entry that is closed stays closed, and each
// repository's own secret counts as before.
func TestTheAppsSecretOpensWhatIsLetInAndLetsNothingIn(t *testing.T) {
	s := newSite(t, withApp)
	s.letIn(t)
	sha := func(n string) string { return strings.Repeat(n, 40) }
	push := func(secret, repo, n string) int {
		return s.signed(secret, events.Push{Repo: repo, SHA: sha(n)}.Payload()).code
	}
	if err := s.store.Entries.Disable(t.Context(), byTest, "school/group-b", true); err != nil {
		t.Fatal(err)
	}
	for repo, want := range map[string]int{
		"school/group-a": http.StatusAccepted, "course/lab-1": http.StatusAccepted, "o/n": http.StatusAccepted,
		"school/group-b": http.StatusUnauthorized, "evil/repo": http.StatusUnauthorized,
	} {
		if got := push(appSecret, repo, "a"); got != want {
			t.Errorf("the App's delivery for %s is answered %d, want %d", repo, got, want)
		}
	}
	for name, got := range map[string]int{
		"its own": push(secretOf("school/group-a", 0), "school/group-a", "b"),
		"another": push(secretOf("school/group-b", 0), "school/group-a", "c"),
		"shared":  push(secret, "school/group-a", "d"),
	} {
		if want := map[bool]int{true: http.StatusAccepted, false: http.StatusUnauthorized}[name == "its own"]; got != want {
			t.Errorf("%s secret is answered %d, want %d", name, got, want)
		}
	}
	without := newSite(t)
	without.letIn(t)
	if got := without.signed(appSecret, events.Push{Repo: "school/group-a", SHA: sha("a")}.Payload()); got.code !=
		http.StatusUnauthorized {
		t.Errorf("a server without an App answers %d", got.code)
	}
}

// TestInstallationsAreNotedByTheOperatorsPatterns: what the App sees and is let in is noted, and
// nothing else is.
func TestInstallationsAreNotedByTheOperatorsPatterns(t *testing.T) {
	told := 0
	s := newSite(t, withApp, func(c *Config) { c.Installed = func() { told++ } })
	s.letIn(t)
	body := installedPayload(t, "created", map[string][]string{
		"repositories": {"course/lab-7", "evil/repo", "../x", "school/group-a"},
	})
	got := s.signedEvent("installation", appSecret, body)
	if got.code != http.StatusOK || !strings.Contains(got.body, "of which 2 are let in and 1 are not") || told != 1 {
		t.Errorf("answered %d %s, told %d times", got.code, got.body, told)
	}
	entries, err := s.store.Entries.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := ""
	for _, e := range entries {
		if e.Kind == registry.Seen {
			seen += e.Name + " "
		}
	}
	if seen != "course/lab-7 " {
		t.Errorf("seen were %q", seen)
	}
	removed := installedPayload(t, "removed", map[string][]string{"repositories_removed": {"course/lab-7"}})
	const older = "integration_installation_repositories" // an Enterprise Server's
	if got := s.signedEvent(older, appSecret, removed); got.code != http.StatusOK || told != 2 {
		t.Errorf("removed: answered %d %s, told %d times", got.code, got.body, told)
	}
}

// TestOnlyTheAppsSecretTellsOfInstallations: a hook's secret opens its repository's events, and no
// others.
func TestOnlyTheAppsSecretTellsOfInstallations(t *testing.T) {
	told := 0
	s := newSite(t, withApp, func(c *Config) { c.Installed = func() { told++ } })
	s.letIn(t)
	if _, err := s.store.Entries.Add(t.Context(), byTest, registry.Organization, "hall/*"); err != nil {
		t.Fatal(err)
	}
	body := installedPayload(t, "created", map[string][]string{"repositories": {"course/lab-7"}})
	if got := s.signedEvent("installation", secret, body); got.code != http.StatusUnauthorized {
		t.Errorf("the shared secret: answered %d", got.code)
	}
	hall := []byte(strings.Replace(string(body), `"action"`, `"organization":{"login":"hall"},"action"`, 1))
	if got := s.signedEvent("installation", secretOf("hall/*", 0), hall); got.code != http.StatusOK || told != 0 {
		t.Errorf("an organization's secret: answered %d %s, told %d times", got.code, got.body, told)
	}
	if got := s.signedEvent("installation", appSecret, hall); got.code != http.StatusOK || told != 1 {
		t.Errorf("control: the App's: answered %d %s, told %d times", got.code, got.body, told)
	}
}
