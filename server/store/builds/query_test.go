package builds

import (
	"strings"
	"testing"

	"vivarium/server/store/storetest"
)

func TestBuildsOfARepositoryAreListedWhateverItsLetters(t *testing.T) {
	everyDatabase(t, func(t *testing.T, b *Builds) {
		for _, name := range []string{"octo/hello", "Octo/Hello", "octo/other"} {
			handIn(t, b, Row{Repo: name}, 0)
		}
		for _, name := range []string{"octo/hello", "OCTO/hellO"} {
			list, err := b.List(t.Context(), Query{Sight: Sight{All: true}, Repo: name})
			if err != nil || len(list) != 2 || list[0].ID != 2 {
				t.Errorf("%s: got %+v, %v; want builds 2 and 1", name, list, err)
			}
		}
	})
}

// TestBuildsAndVerdictsOfARepositoryAreFoundEachByItsIndex: an index that serves the one must not
// draw SQLite away from that of the other.
func TestBuildsAndVerdictsOfARepositoryAreFoundEachByItsIndex(t *testing.T) {
	b := onSQLite(t)
	all := Sight{All: true}
	verdicts := func(repos string) func() error {
		return func() error {
			_, err := b.Verdicts(t.Context(), VerdictQuery{Sight: all, Repos: repos})
			return err
		}
	}
	for name, c := range map[string]struct {
		read  func() error
		index string
	}{
		"list": {
			func() error { _, err := b.List(t.Context(), Query{Sight: all, Repo: "octo/hello"}); return err },
			"builds_repo",
		},
		"verdicts":        {verdicts(""), "builds_branch"},
		"of a repository": {verdicts("octo/hello"), "builds_branch"},
		"of a pattern":    {verdicts("octo/*"), "builds_branch"},
	} {
		t.Run(name, func(t *testing.T) {
			g, last := b.db.Read(t.Context()), ""
			storetest.Must(t, storetest.Trace(g, func(statement string) { last = statement }))
			storetest.Must(t, c.read())
			var plan []struct{ Detail string }
			storetest.Must(t, g.Raw("EXPLAIN QUERY PLAN "+last).Scan(&plan).Error)
			used := 0
			for _, step := range plan {
				if _, index, ok := strings.Cut(step.Detail, " builds USING INDEX "); ok {
					used++
					if !strings.HasPrefix(index, c.index+" ") && index != c.index {
						t.Errorf("%s: %s", last, step.Detail)
					}
				}
			}
			if used == 0 {
				t.Errorf("%s uses no index: %+v", last, plan)
			}
		})
	}
}
