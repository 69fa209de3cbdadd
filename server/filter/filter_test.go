package filter

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func TestWordsAskTheStoreForWhatTheySay(t *testing.T) {
	for address, want := range map[string]builds.Query{
		"":                                  {},
		"before=7":                          {},
		"repo=o/n&branch=main":              {Repo: "o/n", Ref: "refs/heads/main"},
		"branch=refs/heads/main":            {Ref: "refs/heads/main"},
		"author=mona&text=+a+b+":            {Author: "mona", Text: "a b"},
		"state=failed&cause=no_tests":       {State: pipeline.Failed, Cause: pipeline.CauseNoTests},
		"since=7d&until=2026-11-29":         {QueuedSince: now.AddDate(0, 0, -7), QueuedUntil: now.Add(-36 * time.Hour)},
		"since=90m":                         {QueuedSince: now.Add(-90 * time.Minute)},
		"until=2026-11-30T13:00:00%2B02:00": {QueuedUntil: now.Add(-time.Hour)},
	} {
		got, err := Read(values(t, address)).Query(now, time.UTC)
		got.QueuedSince, got.QueuedUntil = utc(got.QueuedSince), utc(got.QueuedUntil)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", address, got, err, want)
		}
	}
}

func TestWordsThatNothingCanFitAreRefusedWithWhatToWrite(t *testing.T) {
	for address, want := range map[string]string{
		"repo=hello":                  "repo: ",
		"state=fail":                  `there is no state "fail"; perhaps failed is meant`,
		"state=green":                 `there is no state "green", only unapproved, queued`,
		"cause=test":                  `there is no cause "test"; perhaps tests is meant`,
		"since=yesterday":             `since: "yesterday" is not a time such as 2026`,
		"until=-5m":                   `until: "-5m" is not a time`,
		"since=99999999999999999999d": "since: ",
		"since=2026-13-01":            "since: ",
	} {
		if _, err := Read(values(t, address)).Query(now, time.UTC); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s…", address, err, want)
		}
	}
}

// TestAnAddressIsThatOfTheSameList: links between pages keep the filter.
func TestAnAddressIsThatOfTheSameList(t *testing.T) {
	w := Words{Repo: "o/n", Branch: "a&b=c #1", Text: "90 != 100", Since: "7d"}
	_, address, _ := strings.Cut(w.Path(12), "?")
	if again := Read(values(t, address)); again != w {
		t.Errorf("%s is %+v, want %+v", address, again, w)
	}
	for got, want := range map[string]string{
		w.String():                     "repo o/n, branch a&b=c #1, text 90 != 100, since 7d",
		Words{}.Path(0):                "/logs",
		Words{}.Path(5):                "/logs?before=5",
		Words{State: "failed"}.Path(5): "/logs?state=failed&before=5",
		Words{Repo: "o/n"}.Path(0):     "/logs?repo=o%2Fn",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, one := range w.each() {
		if w := Read(url.Values{one.name: {"x"}}); !w.Any() {
			t.Errorf("%s is not read", one.name)
		}
	}
}

func TestAnUnknownParameterIsRefusedWithTheNearestName(t *testing.T) {
	known := []string{"before"}
	for _, one := range new(Words).each() {
		known = append(known, one.name)
	}
	for name, want := range map[string]string{
		"repository": "perhaps repo is meant", "brnach": "perhaps branch is meant", "Author": "perhaps author is meant",
		"utm_source": "only before, repo, branch", "e": "only before", "\x00\xff": "only before",
		strings.Repeat("x", 9999): "only before",
	} {
		if err := Unknown([]string{"state", name}, known); err == nil || !strings.Contains(err.Error(), want) ||
			len(err.Error()) > 300 {
			t.Errorf("%.40q: got %v, want %s", name, err, want)
		}
	}
	if err := Unknown([]string{"x"}, nil); err == nil || !strings.Contains(err.Error(), "takes none") {
		t.Errorf("got %v", err)
	}
	if err := Unknown(known, known); err != nil {
		t.Error(err)
	}
}

// TestEveryStateAndCauseMayBeAskedFor reads the constants of the domain.
func TestEveryStateAndCauseMayBeAskedFor(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../pipeline/outcome.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	states, causes := 0, 0
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Names) != 1 {
			return true
		}
		if strings.HasPrefix(v.Names[0].Name, "Cause") {
			causes++
		} else {
			states++
		}
		return true
	})
	if states != len(States) || causes != len(Causes) || causes < 20 {
		t.Errorf("the domain has %d states and %d causes; %d and %d may be asked for", states, causes, len(States),
			len(Causes))
	}
	for _, list := range [][]string{States, Causes} {
		if sorted := slices.Compact(slices.Sorted(slices.Values(list))); len(sorted) != len(list) {
			t.Errorf("%v names something twice", list)
		}
	}
}

func values(t *testing.T, address string) url.Values {
	t.Helper()
	v, err := url.ParseQuery(address)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// utc makes times comparable by ==.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}
