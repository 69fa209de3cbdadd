package github_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/github"
)

// TestComparedFilesAreAllOrNotKnown: a push is left out by them.
func TestComparedFilesAreAllOrNotKnown(t *testing.T) {
	before := strings.Repeat("b", 40)
	file := func(name, from string) any { return map[string]any{"filename": name, "previous_filename": from} }
	many := make([]any, 300)
	for i := range many {
		many[i] = file("a.py", "")
	}
	for name, c := range map[string]struct {
		status string
		files  []any
		want   []string
	}{
		"some":           {"ahead", []any{file("a.py", ""), file("new.md", "old.md")}, []string{"a.py", "new.md", "old.md"}},
		"none":           {"ahead", nil, []string{}},
		"cut":            {"ahead", many, nil},
		"another branch": {"diverged", []any{file("a.py", "")}, nil},
		"back":           {"behind", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/repos/"+repo+"/compare/"+before+"..."+sha {
					t.Errorf("asked for %s", r.URL.Path)
				}
				_ = json.NewEncoder(w).Encode(map[string]any{"status": c.status, "files": c.files})
			}))
			t.Cleanup(s.Close)
			got, err := client(t, github.Config{APIURL: s.URL, Tokens: pipeline.FixedToken(token)}).
				Compare(t.Context(), repo, before, sha)
			if err != nil || !slices.Equal(got, c.want) || (got == nil) != (c.want == nil) {
				t.Errorf("got %.80q, %v; want %.80q", got, err, c.want)
			}
		})
	}
	gh := client(t, github.Config{APIURL: "http://127.0.0.1:1", Tokens: pipeline.FixedToken(token)})
	for _, bad := range []string{"", "main", before + "/../.."} {
		if got, err := gh.Compare(t.Context(), repo, bad, sha); err == nil || got != nil {
			t.Errorf("%q: got %q, %v", bad, got, err)
		}
	}
}
