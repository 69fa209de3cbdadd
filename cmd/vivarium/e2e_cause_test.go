package main

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/server/github/githubtest"
)

// TestCauseOfAFailureStandsWithItsFigureWhereverABuildIsShown: a limit that the repository has
// lowered is named in the log, the API, the page, the command line and the commit status.
func TestCauseOfAFailureStandsWithItsFigureWhereverABuildIsShown(t *testing.T) {
	w := newWorld(t, 1)
	server, _ := w.serve()
	files := oneTest("x = []\n        while True: x.append(bytearray(1 << 20))")
	files["pyproject.toml"] = "[tool.vivarium]\nmemory = \"128MiB\"\n"
	id, sha := w.push(files)
	w.until(2*time.Minute, "the final status", func() bool { return slices.Contains(w.states(sha), "failure") })

	const cause = "tests.test_it.T.test was running: out of memory: 128 MiB limit"
	const limits = "memory 128 MiB, disk 256 MiB in 262144 files"
	_, log := w.get("/logs/" + id + "/raw")
	_, page := w.page("/logs/" + id)
	show, err := w.command("builds", "show", id).CombinedOutput()
	if err != nil {
		t.Errorf("builds show: %v", err)
	}
	for place, text := range map[string]string{
		"log": log, "page": html.UnescapeString(page), "builds show": string(show),
	} {
		if !strings.Contains(text, cause) || !strings.Contains(text, limits) {
			t.Errorf("the %s lacks %q or %q:\n%s", place, cause, limits, text)
		}
	}
	var shown struct {
		Cause, Summary string
		Steps          []struct{ Name, Note string }
		Limits         struct{ Memory int64 }
	}
	_, body := w.get("/logs/" + id)
	if err := json.Unmarshal([]byte(body), &shown); err != nil {
		t.Fatal(err)
	}
	last := shown.Steps[len(shown.Steps)-1]
	if shown.Cause != "out_of_memory" || shown.Summary != cause || last.Note != cause ||
		shown.Limits.Memory != 128<<20 {
		t.Errorf("the API says %+v", shown)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.ContainsFunc(w.statuses, func(st githubtest.Status) bool {
		return st.SHA == sha && st.Description == cause
	}) {
		t.Errorf("no commit status says %q: %+v", cause, w.statuses)
	}
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
}

// page gives the page as a browser gets it.
func (w *world) page(path string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+w.addr+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}
