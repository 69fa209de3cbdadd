package server

import (
	"net/http"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// fixedFor lets octo-org/hello in by a pattern of which something is fixed, by the shared secret.
func (s *site) fixedFor(t *testing.T, text string) {
	t.Helper()
	if _, err := s.store.Entries.Add(t.Context(), byTest, registry.Pattern, "octo-org/*"); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Entries.Fix(t.Context(), byTest, "octo-org/*", text); err != nil {
		t.Fatal(err)
	}
}

// push delivers a push signed as the pattern's repository has to.
func (s *site) pushed(p events.Push) answer {
	return s.signed(secretOf("octo-org/hello", 0), p.Payload())
}

func TestTagsAreBuiltWhereTheOperatorSaysSo(t *testing.T) {
	tag := events.Push{Ref: "refs/tags/v1", Created: true, NoCommits: true, SHA: strings.Repeat("a", 40)}
	for name, c := range map[string]struct {
		all   bool
		fixed string
		built bool
	}{
		"by default":                    {false, "", false},
		"by the setting":                {true, "", true},
		"by the entry":                  {false, "tags = true", true},
		"by the setting, not the entry": {true, "tags = false", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.config.Tags = c.all
			s.fixedFor(t, c.fixed)
			a := s.pushed(tag)
			if built := a.code == http.StatusAccepted && s.count() == 1; built != c.built {
				t.Errorf("answered %d %s", a.code, a.body)
			}
			if !c.built && (a.code != http.StatusOK || !strings.Contains(a.body, "VIVARIUM_TAGS=yes")) {
				t.Errorf("answered %d %s; want how it would be built", a.code, a.body)
			}
		})
	}
}

// TestATagIsBuiltThoughItsCommitWas: its version may be made of it.
func TestATagIsBuiltThoughItsCommitWas(t *testing.T) {
	s := newSite(t)
	s.config.Tags = true
	sha := strings.Repeat("a", 40)
	s.deliver("push", events.Push{SHA: sha}.Payload())
	a := s.deliver("push", events.Push{SHA: sha, Ref: "refs/tags/v1", Created: true, NoCommits: true}.Payload())
	if a.code != http.StatusAccepted || s.count() != 2 {
		t.Errorf("answered %d %s", a.code, a.body)
	}
	if b := s.get("/logs/2").json(t); b["ref"] != "refs/tags/v1" || b["state"] != "queued" {
		t.Errorf("the build is %v", b)
	}
}

func TestAPushIsLeftOutByTheOperatorsBranchesAndPaths(t *testing.T) {
	s := newSite(t)
	s.fixedFor(t, "branches = ['main']\npaths = ['*.py']")
	sha := func(c string) string { return strings.Repeat(c, 40) }
	stands := func(id string) string {
		t.Helper()
		b := s.get("/logs/"+id, func(r *http.Request) {}).json(t)
		return strings.Join([]string{b["state"].(string), b["cause"].(string), b["status"].(string)}, " ")
	}
	if a := s.pushed(events.Push{Ref: "refs/heads/wip", SHA: sha("a"), Files: []string{"a.py"}}); a.code != 202 ||
		!strings.Contains(a.body, "branch wip is none of branches") || stands("1") != "skipped filtered success" {
		t.Errorf("another branch: %d %s, %s", a.code, a.body, stands("1"))
	}
	s.pushed(events.Push{SHA: sha("b"), Before: sha("0"), Files: []string{"README.md"}})
	if got := stands("2"); got != "queued  pending" {
		t.Errorf("nothing is known of the commit before it: %s", got)
	}
	if err := s.store.Database.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Model(&builds.Row{}).Where("id = 2").
			Updates(map[string]any{"state": pipeline.Passed, "ended_at": 1}).Error
	}); err != nil {
		t.Fatal(err)
	}
	if a := s.pushed(events.Push{SHA: sha("c"), Before: sha("b"), Files: []string{"README.md"}}); a.code != 202 ||
		!strings.Contains(a.body, "has changed since bbbbbbb, which passed") || stands("3") != "skipped unchanged success" {
		t.Errorf("other files: %d %s, %s", a.code, a.body, stands("3"))
	}
	s.pushed(events.Push{SHA: sha("d"), Before: sha("c"), Files: []string{"README.md", "src/a.py"}})
	if got := stands("4"); got != "queued  pending" {
		t.Errorf("the control, a file that is built: %s", got)
	}
}
