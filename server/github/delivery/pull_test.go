package delivery_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/github/delivery"
	"vivarium/server/github/githubtest/events"
)

func TestReadDeliveryGivesWhatAPullRequestSays(t *testing.T) {
	base := pipeline.Repository{ID: 42, FullName: "octo-org/hello", DefaultBranch: "main"}
	fork := delivery.Pull{
		Repo: base, Number: 12, SHA: sha, Title: "Add a test", Fork: true, Association: "NONE", Author: "stranger",
		AuthorID: 7001, Sender: 7001, At: time.Date(2026, 11, 2, 10, 15, 30, 0, time.UTC),
	}
	own, other, closed := fork, fork, fork
	own.Fork, other.Sender, closed.Closed = false, 9, true
	for name, c := range map[string]struct {
		said events.Pull
		want delivery.Pull
	}{
		"of a fork":              {events.Pull{}, fork},
		"of a branch":            {events.Pull{Same: true}, own},
		"of a deleted fork":      {events.Pull{HeadGone: true}, fork},
		"pushed":                 {events.Pull{Action: "synchronize"}, fork},
		"opened again":           {events.Pull{Action: "reopened"}, fork},
		"ready for review":       {events.Pull{Action: "ready_for_review"}, fork},
		"pushed by another":      {events.Pull{Action: "synchronize", SenderID: 9}, other},
		"closed":                 {events.Pull{Action: "closed"}, closed},
		"its branch is the main": {events.Pull{Branch: "main"}, fork},
	} {
		c.said.RepoID, c.said.SHA = 42, sha
		d, err := deliver("pull_request", c.said.Payload())
		if err != nil || d.Pull == nil || *d.Pull != c.want || d.Push != nil || d.Ignored != "" {
			t.Errorf("%s: got %+v of %+v, %v; want %+v", name, d.Pull, d, err, c.want)
		}
	}
}

// TestAPullRequestIsOfAForkUnlessItsHeadIsSurelyInTheBase: in doubt its code is a stranger's.
func TestAPullRequestIsOfAForkUnlessItsHeadIsSurelyInTheBase(t *testing.T) {
	own := string(events.Pull{Same: true}.Payload())
	d, err := deliver("pull_request", []byte(own))
	if err != nil || d.Pull.Fork {
		t.Fatalf("control: %+v, %v", d.Pull, err)
	}
	i := strings.Index(own, `"head":`)
	for _, odd := range []string{`null`, `{}`, `{"id":null}`, `{"id":"186853002"}`, `{"id":0}`, `[]`, `1`} {
		head := `"head":{"sha":"` + sha + `","repo":` + odd + `},"was":`
		d, err := deliver("pull_request", []byte(own[:i]+head+own[i+len(`"head":`):]))
		if err != nil || !d.Pull.Fork {
			t.Errorf("head.repo %s: %+v, %v", odd, d.Pull, err)
		}
	}
}

// TestAPullRequestThatIsNotClearIsRefused: what is built and where it is reported must be certain.
func TestAPullRequestThatIsNotClearIsRefused(t *testing.T) {
	good, base := string(events.Pull{SHA: sha, Number: 12}.Payload()), `"base":{"label"`
	for name, change := range map[string][2]string{
		"another number":          {`"number":12,"pull_request"`, `"number":13,"pull_request"`},
		"no whole number":         {`"number":12,"pull_request"`, `"number":"12","pull_request"`},
		"number 0":                {`"number":12`, `"number":0`},
		"a short SHA":             {`"sha":"` + sha + `"`, `"sha":"` + sha[:39] + `"`},
		"a branch in place of it": {`"sha":"` + sha + `"`, `"sha":"main"`},
		"another base":            {base, `"base":{"repo":{"id":1,"full_name":"octo-org/hello"}},"was":{"label"`},
		"a base of another name":  {base, `"base":{"repo":{"id":186853002,"full_name":"a/b"}},"was":{"label"`},
		"no base":                 {base, `"base":null,"was":{"label"`},
		"no pull request":         {`"pull_request":{`, `"pull_request":null,"was":{`},
	} {
		bad := strings.ReplaceAll(good, change[0], change[1])
		if bad == good {
			t.Errorf("%s: %s is not in the payload", name, change[0])
		}
		if _, err := deliver("pull_request", []byte(bad)); !errors.Is(err, delivery.ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestAPullRequestWithTheSameHeadIsNotBuilt: labels, titles and another base change nothing of it.
func TestAPullRequestWithTheSameHeadIsNotBuilt(t *testing.T) {
	for _, action := range []string{"edited", "labeled", "assigned", "review_requested", "converted_to_draft"} {
		d, err := deliver("pull_request", events.Pull{Action: action, Retargeted: "release"}.Payload())
		if err != nil || d.Pull != nil || !strings.Contains(d.Ignored, action) {
			t.Errorf("%s: got %+v, %v", action, d, err)
		}
	}
}
