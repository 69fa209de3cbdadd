package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/github/githubtest"
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
			s.deliver("push", githubtest.Push{Repo: "octo/hello"}.Payload())
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
