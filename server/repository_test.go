package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/store/people"
)

// TestWhatBecomesOfARepositoryDuringABuildDecidesWhoMayLook: at once, and when the build has ended.
// Who holds a token of the repository, or the operator's, sees it whatever becomes of it.
func TestWhatBecomesOfARepositoryDuringABuildDecidesWhoMayLook(t *testing.T) {
	for action, c := range map[string]struct {
		event   string
		private bool // as the delivery says
		public  bool // may everybody look afterwards
		audit   string
	}{
		"archived":    {"repository", false, true, "archived"},
		"unarchived":  {"repository", false, true, "took out of the archive"},
		"publicized":  {"repository", false, true, "made public"},
		"privatized":  {"repository", true, false, "made private"},
		"transferred": {"repository", false, true, "transferred"},
		"deleted":     {"repository", false, false, "deleted"},
		"hook gone":   {"meta", false, true, "deleted the webhook of"},
	} {
		t.Run(action, func(t *testing.T) {
			s := newSite(t)
			operator, err := s.store.People.FirstOperatorToken(t.Context(), people.Actor{})
			if err != nil {
				t.Fatal(err)
			}
			own, others := s.token("octo/hello"), s.token("octo/other")
			sc := s.work()
			s.deliver("push", events.Push{Repo: "octo/hello"}.Payload())
			sc.start(pipeline.StepClone)
			sc.write(pipeline.StepClone, pipeline.Stdout, "a word of the log\n")
			look := func(when string, everybody bool) {
				t.Helper()
				for who, may := range map[string]bool{"": everybody, others: everybody, own: true, operator: true} {
					for _, path := range []string{"/logs/1", "/logs/1/raw"} {
						change := func(*http.Request) {}
						if who != "" {
							change = bearer(who)
						}
						if a := s.get(path, change); (a.code == http.StatusOK) != may {
							t.Errorf("%s, %s: answered %d, want seen %t", when, path, a.code, may)
						}
					}
				}
			}
			look("control: before", true)
			says := strings.TrimPrefix(action, "hook gone")
			if says == "" {
				says = "deleted"
			}
			a := s.deliver(c.event, fmt.Appendf(nil,
				`{"action":%q,"repository":{"full_name":"octo/hello","id":186853002,"private":%t}}`, says, c.private))
			if a.code != http.StatusOK {
				t.Fatalf("answered %d %s", a.code, a.body)
			}
			look("during the build", c.public)
			sc.stop(pipeline.StepClone, pipeline.StepPassed, "")
			sc.end(pipeline.Outcome{State: pipeline.Passed})
			s.ended(1)
			look("after the build", c.public)
			lines, err := s.store.People.Audit(t.Context(), 100, "octo/hello")
			if err != nil || !slices.ContainsFunc(lines, func(l people.Change) bool {
				return l.Who == "GitHub" && l.What == c.audit
			}) {
				t.Errorf("audit %+v, %v; want %s", lines, err, c.audit)
			}
		})
	}
}

// TestARenamingDuringABuildChangesNotWhoMayLook: each build keeps the name that it was pushed under.
// What becomes private under the new name hides those of the old one.
func TestARenamingDuringABuildChangesNotWhoMayLook(t *testing.T) {
	s := newSite(t)
	s.letIn(t)
	const id = 186853002
	if err := s.store.Entries.LearnID(t.Context(), "school/group-a", id); err != nil {
		t.Fatal(err)
	}
	s.config.NameOf = func(context.Context, int64) (string, error) { return "school/winners", nil }
	before, after := s.token("school/group-a"), s.token("school/winners")
	sc := s.work()
	own := secretOf("school/group-a", 0)
	s.signed(own, events.Push{Repo: "school/group-a", RepoID: id}.Payload())
	sc.start(pipeline.StepClone)
	event := func(action string, private bool) {
		t.Helper()
		body := fmt.Appendf(nil, `{"action":%q,"repository":{"full_name":"school/winners","id":%d,"private":%t}}`,
			action, id, private)
		a := s.signed(own, body, func(r *http.Request) { r.Header.Set("X-GitHub-Event", "repository") })
		if a.code != http.StatusOK {
			t.Fatalf("%s is answered %d %s", action, a.code, a.body)
		}
	}
	look := func(when, path string, want map[string]bool) {
		t.Helper()
		for token, may := range want {
			change := func(*http.Request) {}
			if token != "" {
				change = bearer(token)
			}
			if a := s.get(path, change); (a.code == http.StatusOK) != may {
				t.Errorf("%s, %s: answered %d, want seen %t", when, path, a.code, may)
			}
		}
	}
	event("renamed", false)
	look("renamed", "/logs/1", map[string]bool{"": true})
	sc.stop(pipeline.StepClone, pipeline.StepPassed, "")
	sc.end(pipeline.Outcome{State: pipeline.Passed})
	s.ended(1)
	s.signed(own, events.Push{Repo: "school/winners", RepoID: id, SHA: strings.Repeat("b", 40)}.Payload())
	look("control: pushed under the new name", "/logs/2", map[string]bool{"": true})
	event("privatized", true)
	look("private", "/logs/1", map[string]bool{"": false, before: true, after: false})
	look("private", "/logs/2", map[string]bool{"": false, before: false, after: true})
}
