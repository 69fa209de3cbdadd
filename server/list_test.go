package server

import (
	"net/http"
	"strings"
	"testing"

	"vivarium/server/filter"
)

// TestListsAreFilteredByTheirAddress: for programs and on the page, whose links keep the filter.
func TestListsAreFilteredByTheirAddress(t *testing.T) {
	s := newSite(t)
	s.built("o/one", false)
	s.push("o/two", false)
	for address, want := range map[string]string{
		"/logs":                        `["2","1"]`,
		"/logs?repo=o/one":             `["1"]`,
		"/logs?state=queued":           `["2"]`,
		"/logs?repo=O/TWO&branch=main": `["2"]`,
		"/logs?text=ADD":               `["2","1"]`,
		"/logs?author=hubot":           `[]`,
		"/logs?since=1h":               `["2","1"]`,
		"/logs?until=1h":               `[]`,
		"/logs?before=2&author=mona":   `["1"]`,
		"/logs?repo=&state=":           `["2","1"]`,
	} {
		if a := s.get(address); a.code != http.StatusOK || !strings.Contains(strings.ReplaceAll(a.body, ", ", ","), want) {
			t.Errorf("%s: %d %s, want %s", address, a.code, a.body, want)
		}
	}
	page := s.get("/logs?state=queued", browser)
	if !strings.Contains(page.body, "/logs/2") || strings.Contains(page.body, `/logs/1"`) ||
		!strings.Contains(page.body, "<option selected>queued</option>") {
		t.Errorf("the page of what is queued: %s", page.body)
	}
	if page := s.get("/logs?author=hubot", browser); !strings.Contains(page.body, "fits this filter") {
		t.Errorf("a page of nothing: %s", page.body)
	}
	for _, option := range append(filter.States, filter.Causes...) {
		if !strings.Contains(page.body, ">"+option+"</option>") {
			t.Errorf("the form does not offer %s", option)
		}
	}
}

// TestAFilterOfWhatMayNotBeSeenAnswersAsThatOfNothing.
func TestAFilterOfWhatMayNotBeSeenAnswersAsThatOfNothing(t *testing.T) {
	s := newSite(t)
	s.push("o/confidential", true)
	for _, address := range []string{"repo=o/confidential", "author=mona", "text=Add", "branch=main", "state=queued"} {
		for _, as := range []func(*http.Request){func(*http.Request) {}, browser} {
			hidden := s.get("/logs?"+address, as)
			none := s.get("/logs?"+strings.NewReplacer("confidential", "conf-missing", "mona", "anom", "Add", "dAd",
				"main", "niam", "queued", "failed").Replace(address), as)
			if hidden.code != http.StatusOK || strings.Contains(hidden.body, "/logs/1") ||
				len(hidden.body) != len(none.body) {
				t.Errorf("%s: %d %s", address, hidden.code, hidden.body)
			}
			if a := s.get("/logs?"+address, as, local); !strings.Contains(a.body, `1`) || a.body == hidden.body {
				t.Errorf("control: this machine sees %s", a.body)
			}
		}
	}
}

func TestAMisspeltParameterIsRefusedWithTheNearestName(t *testing.T) {
	s := newSite(t)
	id := buildPath(s.built("o/n", false))
	for address, want := range map[string]string{
		"/logs?repository=o/n":   "perhaps repo is meant",
		"/logs?state=fail":       "perhaps failed is meant",
		"/logs?since=never":      "is not a time",
		id + "?stpe=test":        "this address takes none",
		"/verdicts?repos=o/n":    "perhaps repo is meant",
		"/healthz?verbose=1":     "this address takes none",
		"/logs?before=2&%00=%ff": "there is no parameter",
	} {
		a := s.get(address)
		if a.code != http.StatusBadRequest || a.json(t)["success"] != false || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s, want %s", address, a.code, a.body, want)
		}
	}
	for _, address := range []string{"/logs?state=fail", "/logs?since=never"} {
		if a := s.get(address, browser); a.code != http.StatusBadRequest || !strings.Contains(a.body, "<h1>") {
			t.Errorf("a browser at %s: %d %s", address, a.code, a.body)
		}
	}
	if a := s.get("/logs?repo=o/n"); a.code != http.StatusOK {
		t.Errorf("control: %d %s", a.code, a.body)
	}
}
