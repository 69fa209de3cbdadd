package builds

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/storetest"
)

func TestBuildsAreListedByWhatAQuerySays(t *testing.T) {
	everyDatabase(t, func(t *testing.T, b *Builds) {
		one := Row{Repo: "o/n", Ref: "refs/heads/main", Author: "mona", State: pipeline.Failed, Cause: pipeline.CauseTests,
			Message: "Add 100% of tests", Summary: "test_a: 90 != 100"}
		handIn(t, b, one, 3*time.Hour)
		two := one
		two.Ref, two.Message, two.State, two.Cause = "refs/heads/topic", "ADD nothing", pipeline.Passed, ""
		handIn(t, b, two, 2*time.Hour)
		three := one
		three.Repo, three.Author, three.Cause, three.Summary = "o/other", "hubot", pipeline.CauseLint, "app_x.py: F821"
		handIn(t, b, three, time.Hour)
		for name, c := range map[string]struct {
			q    Query
			want []int64
		}{
			"all":                  {Query{}, []int64{3, 2, 1}},
			"branch":               {Query{Ref: "refs/heads/main"}, []int64{3, 1}},
			"author":               {Query{Author: "mona"}, []int64{2, 1}},
			"cause":                {Query{Cause: pipeline.CauseLint}, []int64{3}},
			"several":              {Query{Repo: "O/N", State: pipeline.Failed, Author: "mona"}, []int64{1}},
			"text of the message":  {Query{Text: "add"}, []int64{3, 2, 1}},
			"text of the summary":  {Query{Text: "90 != 1"}, []int64{2, 1}},
			"text is no pattern":   {Query{Text: "100%"}, []int64{3, 1}},
			"nor is one of these":  {Query{Text: "app_x"}, []int64{3}},
			"nor at its other end": {Query{Text: "a_d"}, nil},
			"since":                {Query{QueuedSince: deadline.Add(-2 * time.Hour)}, []int64{3, 2}},
			"until":                {Query{QueuedUntil: deadline.Add(-2 * time.Hour)}, []int64{1}},
			"between": {Query{QueuedSince: deadline.Add(-150 * time.Minute),
				QueuedUntil: deadline.Add(-90 * time.Minute)}, []int64{2}},
			"since the future": {Query{QueuedSince: deadline.Add(time.Hour)}, nil},
		} {
			c.q.Sight.All = true
			if got := ids(t, b, c.q); !slices.Equal(got, c.want) {
				t.Errorf("%s: got %v, want %v", name, got, c.want)
			}
		}
	})
}

// TestAFilterFindsNothingThatMayNotBeSeen: whatever is asked for, what is found may be seen. What
// the operator finds is the control.
func TestAFilterFindsNothingThatMayNotBeSeen(t *testing.T) {
	everyDatabase(t, func(t *testing.T, b *Builds) {
		r := Row{Repo: "o/hidden", Private: true, Ref: "refs/heads/secret", Author: "mona", State: pipeline.Failed,
			Cause: pipeline.CauseTests, Message: "confidential"}
		handIn(t, b, r, time.Hour)
		for _, q := range []Query{
			{Repo: "o/hidden"}, {Ref: r.Ref}, {Author: "mona"}, {State: r.State}, {Cause: r.Cause}, {Text: "fidential"},
			{QueuedSince: deadline.Add(-2 * time.Hour)}, {QueuedUntil: deadline},
		} {
			for _, v := range []Sight{{}, {Public: true}, {Pattern: "o/other"}, {Public: true, Pattern: "x/*"}} {
				q.Sight = v
				if got := ids(t, b, q); len(got) != 0 {
					t.Errorf("%+v finds %v", q, got)
				}
			}
			for _, v := range []Sight{{All: true}, {Pattern: "o/*"}} {
				q.Sight = v
				if got := ids(t, b, q); len(got) != 1 {
					t.Errorf("control: %+v finds %v, want build 1", q, got)
				}
			}
		}
	})
}

// TestFilteredListsAreFoundByTheirIndexes: of public builds by an index without private ones.
func TestFilteredListsAreFoundByTheirIndexes(t *testing.T) {
	b := onSQLite(t)
	handIn(t, b, Row{Repo: "o/n"}, 0)
	for index, q := range map[string]Query{
		"builds_author": {Author: "mona"}, "builds_state": {State: "failed"},
	} {
		for _, v := range []Sight{{All: true}, {Public: true}} {
			q.Sight = v
			want := index
			if !v.All {
				want += "_public"
			}
			if used := indexesOf(t, b, q); !slices.Equal(used, []string{want}) {
				t.Errorf("%+v is found by %v, want %s", q, used, want)
			}
		}
	}
	since := Query{Sight: Sight{All: true}, QueuedSince: deadline}
	if used := indexesOf(t, b, since); !slices.Contains(used, "builds_queued_at") {
		t.Errorf("the first build of a time is found by %v", used)
	}
}

func ids(t *testing.T, b *Builds, q Query) []int64 {
	t.Helper()
	list, err := b.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var found []int64
	for _, one := range list {
		found = append(found, one.ID)
	}
	return found
}

// indexesOf are the indexes that SQLite reads builds by for a list.
func indexesOf(t *testing.T, b *Builds, q Query) []string {
	t.Helper()
	g, statement := b.db.Read(t.Context()), ""
	storetest.Must(t, storetest.Trace(g, func(s string) {
		if strings.Contains(s, "ORDER BY id DESC") {
			statement = s
		}
	}))
	ids(t, b, q)
	var plan []struct{ Detail string }
	storetest.Must(t, g.Raw("EXPLAIN QUERY PLAN "+statement).Scan(&plan).Error)
	var used []string
	for _, step := range plan {
		var word string
		if _, rest, ok := strings.Cut(step.Detail, "INDEX "); ok && strings.Contains(step.Detail, " builds ") {
			fmt.Sscan(rest, &word)
			used = append(used, word)
		}
	}
	return used
}
