package wanted

import (
	"context"
	"strings"
	"testing"
)

func TestBranchesThatAreBuilt(t *testing.T) {
	for _, c := range []struct {
		patterns string
		branch   string
		built    bool
	}{
		{"", "topic", true},
		{"main", "main", true},
		{"main", "topic", false},
		{"main", "feature/main", false},
		{"main release/*", "release/1.0", true},
		{"main release/*", "old/release/1.0", false},
		{"main release/*", "release", false},
		{"*", "feature/x", true},
		{"* !wip", "wip", false},
		{"* !wip/*", "wip/x", false},
		{"* !wip/*", "topic", true},
		{"!wip", "topic", false}, // nothing is let in
		{"v[0-9]", "v1", true},
		{"main", "", true}, // no branch
	} {
		f := Filter{Branches: strings.Fields(c.patterns)}
		if why := f.LeavesOut(c.branch); (why == "") != c.built {
			t.Errorf("branches = %s: %s is left out: %q; want it built: %t", c.patterns, c.branch, why, c.built)
		}
	}
}

func TestFilesThatAPushIsBuiltFor(t *testing.T) {
	for _, c := range []struct {
		patterns, changed string
		touched           bool
	}{
		{"", "README.md", true},
		{"*.py", "README.md", false},
		{"*.py", "README.md src/a.py", true},
		{"src/", "src/a/b.txt", true},
		{"src/", "lib/src.txt", false},
		{"/src", "lib/src/a.py", false},
		{"src/**", "src/a/b.py", true},
		{"* !docs/ !*.md", "docs/a.py README.md", false},
		{"* !docs/ !*.md", "docs/a.py a.py", true},
	} {
		f := Filter{Paths: strings.Fields(c.patterns)}
		if got := f.Touches(strings.Fields(c.changed)); got != c.touched {
			t.Errorf("paths = %s: %s: %t, want %t", c.patterns, c.changed, got, c.touched)
		}
	}
}

// TestTooMuchToCompareIsBuilt: patterns come from repositories, and names of files from whoever pushes.
func TestTooMuchToCompareIsBuilt(t *testing.T) {
	f := Filter{Paths: []string{strings.Repeat("*a", 200)}}
	if f.Touches([]string{strings.Repeat("b", maxMatching/400)}) {
		t.Error("the control, just within the bound, is built")
	}
	if !f.Touches([]string{strings.Repeat("b", maxMatching/400+1)}) {
		t.Error("what is beyond the bound is not built")
	}
}

func FuzzPatternsOfStrangersEndTheirWork(f *testing.F) {
	f.Add("src/**", "src/a.py")
	f.Add("!**/[a-", "a/b/c")
	f.Add("\\", "")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		patterns, err := ReadPatterns([]any{pattern})
		if err != nil {
			return
		}
		one := Filter{Branches: patterns, Paths: patterns}
		first := one.LeavesOut(path)
		if one.LeavesOut("") != "" || one.LeavesOut(path) != first || one.Touches(nil) {
			t.Errorf("%q and %q", pattern, path)
		}
	})
}

func TestAPushIsBuiltUnlessSomethingSaysNo(t *testing.T) {
	before := strings.Repeat("a", 40)
	docs := []string{"README.md"}
	only := Rules{Filter: Filter{Branches: []string{"main", "topic"}, Paths: []string{"*.py"}}}
	for name, c := range map[string]struct {
		rules Rules
		push  Push
		want  Decision
	}{
		"a branch": {Rules{}, Push{Branch: "main", Before: before, Changed: docs}, Decision{}},
		"a tag": {Rules{}, Push{Tag: "v1"}, Decision{Ignored: "tag v1 is not built: the operator has tags built by " +
			"VIVARIUM_TAGS=yes, or by tags = true in the file of `vivarium repos fix`"}},
		"a tag, switched on":         {Rules{Tags: true}, Push{Tag: "v1"}, Decision{}},
		"a tag, for which no filter": {Rules{Filter: only.Filter, Tags: true}, Push{Tag: "v1", Changed: docs}, Decision{}},
		"marked": {Rules{}, Push{Branch: "main", Marker: "[skip ci]"},
			Decision{Why: "the commit's message says [skip ci]", Cause: Skipped}},
		"another branch": {only, Push{Branch: "wip"},
			Decision{Why: `branch wip is none of branches = ["main", "topic"]`, Cause: Filtered}},
		"other files": {only, Push{Branch: "main", Before: before, Changed: docs},
			Decision{Why: `no file of paths = ["*.py"] has changed since aaaaaaa, which passed`, Cause: Unchanged}},
		"such files":            {only, Push{Branch: "main", Before: before, Changed: []string{"a.py"}}, Decision{}},
		"files not known":       {only, Push{Branch: "main", Before: before}, Decision{}},
		"nothing to compare to": {only, Push{Branch: "main", Changed: docs}, Decision{}},
	} {
		if got := c.rules.Decide(c.push); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestPatternsAreReadStrictly(t *testing.T) {
	list := func(all ...any) any { return all }
	for _, v := range []any{nil, "main", list(), list(""), list(1), list("a", 2), list("a\nb"), list("!"), list("/"),
		list(strings.Repeat("a", longest+1)), make([]any, most+1)} {
		if got, err := FilterOf(map[string]any{"branches": v}); err == nil {
			t.Errorf("%v is read as %+v", v, got)
		}
	}
	got, err := FilterOf(map[string]any{"branches": list("main", "!wip/*"), "paths": list("*.py"), "timeout": "5m"})
	if err != nil || strings.Join(got.Branches, " ") != "main !wip/*" || strings.Join(got.Paths, " ") != "*.py" {
		t.Errorf("the control: %+v, %v", got, err)
	}
}

// TestARepositorysOwnFilterAsksForFilesOnlyWhereItHasPatternsForThem: the git host is asked.
func TestARepositorysOwnFilterAsksForFilesOnlyWhereItHasPatternsForThem(t *testing.T) {
	asked := 0
	asker := &Asker{Branch: "topic", Before: "aaaaaaaa", Changed: func(context.Context) []string {
		asked++
		return []string{"README.md"}
	}}
	nowhere := &Asker{Branch: "topic", Changed: asker.Changed}
	wished := &Asker{Branch: "topic", Asked: func(context.Context) bool { return true }}
	unasked := &Asker{Branch: "topic", Asked: func(context.Context) bool { return false }}
	paths := Filter{Paths: []string{"*.py"}}
	for name, c := range map[string]struct {
		of    *Asker
		own   Filter
		why   string
		asked int
	}{
		"nothing said":            {asker, Filter{}, "", 0},
		"a branch":                {asker, Filter{Branches: []string{"main"}}, "branch topic is none of", 0},
		"files":                   {asker, paths, "no file of paths", 1},
		"nothing to compare with": {nowhere, paths, "", 0},
		"a build that is wanted":  {nil, paths, "", 0},
		"asked for meanwhile":     {wished, Filter{Branches: []string{"main"}}, "", 0},
		"not asked for meanwhile": {unasked, Filter{Branches: []string{"main"}}, "branch topic is none of", 0},
	} {
		asked = 0
		if d := c.of.Decide(t.Context(), c.own); !strings.HasPrefix(d.Why, c.why) || (d.Why == "") != (c.why == "") ||
			asked != c.asked {
			t.Errorf("%s: %+v after %d questions", name, d, asked)
		}
	}
}
