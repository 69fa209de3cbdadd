package delivery_test

import (
	"fmt"
	"strings"
	"testing"

	"vivarium/server/github/delivery"
	"vivarium/server/github/githubtest/events"
)

// TestWhatBecomesOfARepositoryIsHeard, and what is nobody's business is not.
func TestWhatBecomesOfARepositoryIsHeard(t *testing.T) {
	for name, c := range map[string]struct {
		event, action string
		private       bool
		audit         string
		hides         bool
		answer        string
	}{
		"renamed":               {"repository", "renamed", false, "", false, "new name"},
		"transferred":           {"repository", "transferred", false, "transferred", false, "new owner"},
		"archived":              {"repository", "archived", false, "archived", false, "read only"},
		"unarchived":            {"repository", "unarchived", false, "took out of the archive", false, "built again"},
		"deleted":               {"repository", "deleted", false, "deleted", true, "repos purge"},
		"privatized":            {"repository", "privatized", true, "made private", true, "private"},
		"publicized":            {"repository", "publicized", false, "made public", false, "stay private"},
		"edited":                {"repository", "edited", false, "", false, "not built"},
		"edited, and private":   {"repository", "edited", true, "", true, "it is private"},
		"the hook is gone":      {"meta", "deleted", false, "deleted the webhook of", false, "VIVARIUM_POLL"},
		"another action":        {"meta", "created", false, "", false, "not built"},
		"another event":         {"star", "deleted", false, "", false, "not built"},
		"an action as a number": {"repository", "", false, "", false, "not built"},
	} {
		action := fmt.Sprintf("%q", c.action)
		if c.action == "" {
			action = "7"
		}
		body := fmt.Appendf(nil, `{"action":%s,"repository":{"full_name":"octo/hello","id":7,"private":%t}}`,
			action, c.private)
		u, err := delivery.Read(events.Header(secret, c.event, body), body)
		if err != nil {
			t.Fatal(err)
		}
		d, err := u.Verify([]string{secret})
		if err != nil || d.Audit != c.audit || d.Private != c.hides || !strings.Contains(d.Ignored, c.answer) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}
