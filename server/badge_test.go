package server

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/web"
)

func TestBadgeIsThatOfTheLastPush(t *testing.T) {
	s := newSite(t)
	s.built("o/open", false)
	a := s.get("/badge/o/open.svg")
	if a.code != 200 || a.header.Get("Content-Type") != "image/svg+xml" ||
		!strings.Contains(a.body, "vivarium: passed") {
		t.Errorf("the default branch: %d %s %s", a.code, a.header.Get("Content-Type"), a.body)
	}
	if got := a.header.Get("Cross-Origin-Resource-Policy"); got != "cross-origin" {
		t.Errorf("other sites may not show it: %q", got)
	}
	if a := s.get("/badge/O/Open.svg?branch=main"); a.code != 200 || !strings.Contains(a.body, "vivarium: passed") {
		t.Errorf("a branch by its name: %d %s", a.code, a.body)
	}
	s.push("o/open", false)
	if a := s.get("/badge/o/open.svg"); !strings.Contains(a.body, "vivarium: queued") {
		t.Errorf("after another push: %s", a.body)
	}
}

func TestBadgeOfWhatMayNotBeSeenIsThatOfNothing(t *testing.T) {
	s := newSite(t)
	s.push("o/confidential", true)
	none := s.get("/badge/o/absent.svg")
	if none.code != 200 || !strings.Contains(none.body, "vivarium: no build yet") {
		t.Errorf("of nothing: %d %s", none.code, none.body)
	}
	for _, path := range []string{"/badge/o/confidential.svg", "/badge/o/confidential.svg?branch=main"} {
		if a := s.get(path); a.code != 200 || a.body != none.body || fmt.Sprint(a.header) != fmt.Sprint(none.header) {
			t.Errorf("%s: %d %s %v, want %s %v", path, a.code, a.body, a.header, none.body, none.header)
		}
	}
	for _, path := range []string{"/badge/o/confidential", "/badge/o/*.svg", "/badge/o/.svg"} {
		if a := s.get(path); a.code != 404 {
			t.Errorf("%s: %d %s", path, a.code, a.body)
		}
	}
	if a := s.get("/badge/o/confidential.svg", local); a.code != 200 || !strings.Contains(a.body, "vivarium: queued") {
		t.Errorf("control: on this machine: %d %s", a.code, a.body)
	}
	for _, site := range []string{"cross-site", "same-site"} {
		embed := func(r *http.Request) { local(r); r.Header.Set("Sec-Fetch-Site", site) }
		if a := s.get("/badge/o/confidential.svg", embed); a.body != none.body {
			t.Errorf("to a %s page that is open on this machine: %d %s", site, a.code, a.body)
		}
	}
	if a := s.get("/badge/o/confidential.svg?branch=other", local); a.body != none.body {
		t.Errorf("a branch that is not there: %d %s", a.code, a.body)
	}
}

func TestBadgesAreWellFormed(t *testing.T) {
	for _, state := range []pipeline.State{pipeline.Queued, pipeline.Running, pipeline.Passed, pipeline.Failed,
		pipeline.Errored, pipeline.Canceled} {
		var svg struct {
			Title string `xml:"title"`
		}
		if err := xml.Unmarshal(web.Badge(state), &svg); err != nil || svg.Title != "vivarium: "+string(state) {
			t.Errorf("%s: %q, %v", state, svg.Title, err)
		}
	}
}
