package delivery_test

import (
	"strings"
	"testing"

	"vivarium/server/github/githubtest/events"
)

func TestACommentIsReadOnlyWhereItsAuthorHasJustWrittenIt(t *testing.T) {
	d, err := deliver("issue_comment", events.Comment{Text: "/vivarium run"}.Payload())
	if err != nil || d.Comment == nil || d.Comment.Pull != 12 || d.Comment.Author != "mona" || d.Comment.AuthorID != 1 ||
		d.Comment.Text != "/vivarium run" {
		t.Fatalf("control: %+v, %v", d.Comment, err)
	}
	for name, c := range map[string]events.Comment{
		"edited":          {Action: "edited"},
		"deleted":         {Action: "deleted"},
		"on an issue":     {Issue: true},
		"for another":     {SenderID: 2},
		"by a bot":        {Author: "dependabot[bot]"},
		"a path of a bot": {Author: "../x"},
	} {
		c.Text = "/vivarium run"
		if d, err := deliver("issue_comment", c.Payload()); err != nil || d.Comment != nil || d.Ignored == "" {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	for name, body := range map[string]string{
		"no issue":   `{"action":"created","comment":{},"repository":{"full_name":"a/b","id":1}}`,
		"no comment": `{"action":"created","issue":{"number":1},"repository":{"full_name":"a/b","id":1}}`,
	} {
		if _, err := deliver("issue_comment", []byte(body)); err == nil || !strings.Contains(err.Error(), "comment") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
