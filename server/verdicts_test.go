package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"vivarium/server/github/githubtest/events"
)

// verdictNames are the repositories of an answer, in order.
func verdictNames(t *testing.T, a answer) (names []string) {
	t.Helper()
	list, ok := a.json(t)["verdicts"].([]any)
	if a.code != 200 || !ok {
		t.Fatalf("answered %d %s", a.code, a.body)
	}
	for _, v := range list {
		names = append(names, v.(map[string]any)["repository"].(string))
	}
	return names
}

func TestVerdictsShowWhatTheClientMaySee(t *testing.T) {
	s := newSite(t)
	s.push("o/open", false)
	s.push("o/confidential", true)
	if names := verdictNames(t, s.get("/verdicts")); fmt.Sprint(names) != "[o/open]" {
		t.Errorf("others see %q", names)
	}
	if a := s.get("/verdicts?repo=o/confidential", browser); a.code != 200 ||
		strings.Count(a.body, "confidential") != 2 {
		// twice, as requested: in the form, and in the address after signing in
		t.Errorf("the page names a private repository: %d %s", a.code, a.body)
	}
	if names := verdictNames(t, s.get("/verdicts", local)); fmt.Sprint(names) != "[o/confidential o/open]" {
		t.Errorf("control: this machine sees %q", names)
	}
}

func TestVerdictsAreAsOfATime(t *testing.T) {
	s := newSite(t)
	id := s.push("o/n", false)
	b, err := s.store.Builds.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(at time.Time) []string {
		return verdictNames(t, s.get("/verdicts?"+
			url.Values{"at": {at.Format(time.RFC3339Nano)}, "repo": {"o/*"}}.Encode()))
	}
	if names := ask(b.QueuedAt); len(names) != 1 {
		t.Errorf("at the time of the push: %q", names)
	}
	if names := ask(b.QueuedAt.Add(-time.Microsecond)); len(names) != 0 {
		t.Errorf("before the push: %q", names)
	}
	page := s.get("/verdicts?at=2001-01-01+00:00", browser)
	if page.code != 200 || !strings.Contains(page.body, "No branch that fits") ||
		!strings.Contains(page.body, `value="2001-01-01 00:00"`) {
		t.Errorf("the page of a time without pushes: %d %s", page.code, page.body)
	}
	for _, wrong := range []string{"at=yesterday", "repo=o", "after=o/n", "after=o/n:%00", "after=o/n:%ff",
		"at=2026-12-01T18:00:00%2B24:00"} {
		if a := s.get("/verdicts?" + wrong); a.code != 400 {
			t.Errorf("%s is answered %d %s", wrong, a.code, a.body)
		}
	}
}

func TestVerdictsComeInPages(t *testing.T) {
	s := newSite(t)
	for i := range pageSize + 1 {
		s.push(fmt.Sprintf("o/n%03d", i), false)
	}
	first := s.get("/verdicts?repo=o/n*")
	link, _, _ := strings.Cut(strings.TrimPrefix(first.header.Get("Link"), "<"), ">")
	if names := verdictNames(t, first); len(names) != pageSize || link == "" {
		t.Fatalf("the first page has %d, and leads to %q", len(names), link)
	}
	if names := verdictNames(t, s.get(link)); fmt.Sprint(names) != fmt.Sprintf("[o/n%03d]", pageSize) {
		t.Errorf("the second page has %q", names)
	}
	page := s.get("/verdicts", browser)
	if !strings.Contains(page.body, `rel="next" href="/verdicts?after=o%2Fn099%3Arefs%2Fheads%2Fmain&amp;at=`) {
		t.Errorf("the page leads nowhere: %s", page.body[len(page.body)-600:])
	}
}

// TestTheOlderOfTwoPushesDeliveredLastIsNotTheVerdict: deliveries overtake each other, and grades
// depend on verdicts.
func TestTheOlderOfTwoPushesDeliveredLastIsNotTheVerdict(t *testing.T) {
	s := newSite(t)
	older, newer := strings.Repeat("a", 40), strings.Repeat("b", 40)
	for _, p := range []events.Push{{Repo: "o/n", Before: older, SHA: newer}, {Repo: "o/n", SHA: older}} {
		if a := s.deliver("push", p.Payload()); a.code != http.StatusAccepted {
			t.Fatalf("answered %d %s", a.code, a.body)
		}
	}
	// the older push's build, which the badge would show
	if err := s.store.Queue.Cancel(t.Context(), byTest, 2); err != nil {
		t.Fatal(err)
	}
	verdicts := s.get("/verdicts?repo=o/n").json(t)["verdicts"].([]any)
	if v := verdicts[0].(map[string]any); len(verdicts) != 1 || v["commit"] != newer || v["verdict"] != "queued" {
		t.Errorf("verdicts %v, want that of %s", verdicts, newer)
	}
	if badge := s.get("/badge/o/n.svg"); badge.code != http.StatusOK || !strings.Contains(badge.body, "queued") {
		t.Errorf("the badge does not say queued: %d %s", badge.code, badge.body)
	}
}
