package web

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
)

func TestPagesEscapeWhatRepositoriesSay(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	b := pipeline.Build{
		ID:      1,
		Repo:    pipeline.Repository{FullName: evil},
		Ref:     evil,
		SHA:     evil,
		Author:  evil,
		Message: evil,
		Summary: evil,
		State:   pipeline.Failed,
	}
	for _, p := range []Page{
		Index{Builds: []pipeline.Build{b}},
		Build{
			Build:       b,
			RepoURL:     "javascript:alert(1)",
			CommitURL:   evil,
			Undelivered: evil,
			Log:         []Section{{Attempt: 1, Step: "test", Pieces: []Piece{{Stream: "stdout", Text: evil, Line: 1}}}},
			Tests: &Tests{
				Summary: results.Summary{Hung: evil, Crashed: evil, Tampered: true, Unreached: []string{evil}, NotReached: 1},
				Total:   1,
				Red:     1,
				Failing: []Failing{{Test: results.Test{
					ID: evil, Sub: evil, Reason: evil, Traceback: evil, Path: evil, Line: 1, At: 1, Again: results.Order, After: evil,
				}, History: evil}},
			},
		},
		Problem{Status: 404, Message: evil},
	} {
		page, err := NewSite("").Render(p, Visitor{Next: "/"})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(page); strings.Contains(got, "<script>") || strings.Contains(got, `"javascript:`) ||
			!strings.Contains(got, "alert(1)") {
			t.Errorf("%s: %s", p.template(), got)
		}
	}
}

func TestAssetsMayBeKeptOnlyByTheirVersion(t *testing.T) {
	for path, want := range map[string]string{
		AssetPath("pages.css"):      "public, max-age=31536000, immutable",
		"/static/pages.css":         "no-cache",
		"/static/pages.css?v=other": "no-cache",
	} {
		w := httptest.NewRecorder()
		Static().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if got := w.Header().Get("Cache-Control"); w.Code != 200 || got != want {
			t.Errorf("GET %s: %d with Cache-Control %q, want %q", path, w.Code, got, want)
		}
	}
	w := httptest.NewRecorder()
	Static().ServeHTTP(w, httptest.NewRequest("GET", "/static/nothing.js", nil))
	if w.Code != 404 {
		t.Errorf("a file that does not exist is answered %d", w.Code)
	}
}

func TestDurationsAreForPeople(t *testing.T) {
	from := time.Unix(1000, 0)
	for d, want := range map[time.Duration]string{
		1530 * time.Millisecond:     "1.5 s",
		42 * time.Second:            "42 s",
		59600 * time.Millisecond:    "1 min",
		125600 * time.Millisecond:   "2 min 06 s",
		2*time.Hour + 3*time.Minute: "2 h 03 min",
	} {
		if got := duration(from, from.Add(d)); got != want {
			t.Errorf("%v is shown as %q, want %q", d, got, want)
		}
	}
	if got := duration(from, time.Time{}); got != "" {
		t.Errorf("an unknown end is shown as %q", got)
	}
}

func TestSentence(t *testing.T) {
	for message, want := range map[string]string{
		"there is no such build": "There is no such build.",
		"über":                   "Über.",
		`"x" is no time`:         `"x" is no time.`,
		"":                       "",
	} {
		if got := sentence(message); got != want {
			t.Errorf("sentence(%q) = %q, want %q", message, got, want)
		}
	}
}
