package forks

import (
	"testing"
	"time"
)

func TestForksAskUnlessTheOperatorSaysOtherwise(t *testing.T) {
	const author, other = 7, 8
	for _, c := range []struct {
		policy Policy
		change Change
		want   Answer
	}{
		{"", Change{"OWNER", author, author}, Ask},
		{Approve, Change{"OWNER", author, author}, Ask},
		{Approve, Change{"NONE", author, author}, Ask},
		{Contributors, Change{"CONTRIBUTOR", author, author}, Go},
		{Contributors, Change{"COLLABORATOR", author, author}, Go},
		{Contributors, Change{"MEMBER", author, author}, Go},
		{Contributors, Change{"OWNER", author, author}, Go},
		{Contributors, Change{"CONTRIBUTOR", author, other}, Ask}, // pushed by another
		{Contributors, Change{"CONTRIBUTOR", 0, 0}, Ask},          // nobody knows who
		{Contributors, Change{"FIRST_TIME_CONTRIBUTOR", author, author}, Ask},
		{Contributors, Change{"FIRST_TIMER", author, author}, Ask},
		{Contributors, Change{"MANNEQUIN", author, author}, Ask},
		{Contributors, Change{"NONE", author, author}, Ask},
		{Contributors, Change{"contributor", author, author}, Ask},
		{Contributors, Change{"", author, author}, Ask},
		{All, Change{"NONE", author, other}, Go},
		{None, Change{"OWNER", author, author}, Refuse},
		{"typo", Change{"OWNER", author, author}, Ask},
	} {
		if got := c.policy.Decide(c.change); got != c.want {
			t.Errorf("%q decides %q of %+v, want %q", c.policy, got, c.change, c.want)
		}
	}
}

func TestOnlyItsFirstLineMakesACommentACommand(t *testing.T) {
	for comment, want := range map[string]bool{
		"/vivarium run": true, "/vivarium run\n": true, "/vivarium run\r\nlooks fine": true,
		"": false, "looks fine\n/vivarium run": false, "> /vivarium run": false, " /vivarium run": false,
		"/vivarium run ": false, "/vivarium  run": false, "/vivarium run please": false, "/Vivarium run": false,
		"`/vivarium run`": false, "\n/vivarium run": false, "/vivarium runs": false, "do not /vivarium run": false,
		"/vivarium run\rx": false, "/vivarium\trun": false, "\ufeff/vivarium run": false,
	} {
		if got := IsRun(comment); got != want {
			t.Errorf("%q: %v, want %v", comment, got, want)
		}
	}
}

func TestAnApprovalNeedsTheRightTheHeadAndAnOpenPullRequest(t *testing.T) {
	since := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	good := Approval{MayWrite: true, Waits: "a", Since: since, Asked: since.Add(time.Second), Head: "a", Open: true}
	if why := good.Refusal(); why != "" {
		t.Fatalf("control: %s", why)
	}
	for name, change := range map[string]func(*Approval){
		"no right":         func(a *Approval) { a.MayWrite = false },
		"closed":           func(a *Approval) { a.Open = false },
		"pushed since":     func(a *Approval) { a.Head = "b" },
		"nothing waits":    func(a *Approval) { a.Waits = "" },
		"asked before":     func(a *Approval) { a.Asked = since.Add(-time.Second) },
		"asked as it came": func(a *Approval) { a.Asked = since },
		"asked some time":  func(a *Approval) { a.Asked = time.Time{} },
		"nothing at all":   func(a *Approval) { a.Waits, a.Head = "", "" },
	} {
		bad := good
		change(&bad)
		if bad.Refusal() == "" {
			t.Errorf("%s: approved", name)
		}
	}
}

func TestPoliciesAreReadByTheirNames(t *testing.T) {
	for _, p := range Policies {
		if got, err := Parse(string(p)); err != nil || got != p {
			t.Errorf("%s: %q, %v", p, got, err)
		}
	}
	for _, name := range []string{"", "ALL", "yes", "approve "} {
		if _, err := Parse(name); err == nil {
			t.Errorf("%q is a policy", name)
		}
	}
}
