package main

import (
	"encoding/json"
	"html"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox/egress/egresstest"
	"vivarium/server/api"
	"vivarium/server/github/githubtest"
)

// TestDependencyThatChangedIsNamedWhereverABuildIsShown: a commit is built twice, and between the two
// builds the index gets a newer version of what it depends on.
func TestDependencyThatChangedIsNamedWhereverABuildIsShown(t *testing.T) {
	w := newWorld(t, 1)
	server, _ := w.serve()
	w.Index.Add(egresstest.Wheel("moody", "1.0", map[string]string{"moody.py": "MOOD = 'good'\n"}))
	files := oneTest("import moody; self.assertEqual(moody.MOOD, 'good')")
	files["requirements.txt"] = "moody\n"
	green, sha := w.push(files)
	w.until(2*time.Minute, "the green status", func() bool { return slices.Contains(w.states(sha), "success") })

	w.Index.Add(egresstest.Wheel("moody", "1.1", map[string]string{"moody.py": "MOOD = 'bad'\n"}))
	if out, err := w.command("builds", "rerun", green).CombinedOutput(); err != nil {
		t.Fatalf("rerun: %v: %s", err, out)
	}
	w.until(2*time.Minute, "the red status", func() bool { return slices.Contains(w.states(sha), "failure") })
	red := w.ids()[0]

	since := "same code as build " + green + ", which passed; moody 1.0 → 1.1; "
	sentence := since + "tests.test_it.T.test: 'bad' != 'good'"
	_, log := w.get("/logs/" + red + "/raw")
	_, page := w.page("/logs/" + red)
	show, err := w.command("builds", "show", red).CombinedOutput()
	if err != nil {
		t.Errorf("builds show: %v", err)
	}
	for place, text := range map[string]string{
		"log": log, "page": html.UnescapeString(page), "builds show": string(show),
	} {
		if !strings.Contains(text, sentence) {
			t.Errorf("the %s lacks %q:\n%s", place, sentence, text)
		}
	}
	if !strings.Contains(page, "<li><bdi>moody 1.0 → 1.1</bdi></li>") ||
		!strings.Contains(string(show), "SINCE BUILD "+green+", WHICH PASSED\nthe same code\nmoody 1.0 → 1.1\n") {
		t.Errorf("page or builds show does not list the change:\n%s\n%s", page, show)
	}
	var b api.Build
	_, body := w.get("/logs/" + red)
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.Summary, sentence) || b.Since == nil || b.Since.Build != green || !b.Since.SameCode ||
		!slices.Equal(b.Since.Packages, []api.Change{{Name: "moody", From: "1.0", To: "1.1"}}) ||
		!slices.Contains(b.Environment.Packages, api.Package{Name: "moody", Version: "1.1"}) {
		t.Errorf("the API says %q, %+v, %+v", b.Summary, b.Since, b.Environment)
	}
	if b.Tests == nil || len(b.Tests.Failing) != 1 || b.Tests.Failing[0].ID != "tests.test_it.T.test" {
		t.Fatalf("the failing tests are %+v", b.Tests)
	}
	line := b.Tests.Failing[0].LogLine
	lines := strings.Split(log, "\n")
	if line < 1 || !strings.HasPrefix(lines[line-1], "test (tests.test_it.T.test) ... FAIL") {
		t.Errorf("the failing test is said to stand in line %d of\n%s", line, log)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.ContainsFunc(w.statuses, func(st githubtest.Status) bool {
		return st.SHA == sha && strings.HasPrefix(st.Description, sentence)
	}) {
		t.Errorf("no commit status says %q: %+v", sentence, w.statuses)
	}
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
}
