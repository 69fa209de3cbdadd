package store

import (
	"strings"
	"testing"

	"vivarium/server/store/storetest"
)

func TestBuildsOfARepositoryAreListedWhateverItsLetters(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		for i, name := range []string{"octo/hello", "Octo/Hello", "octo/other"} {
			p := push(i)
			p.Repo.FullName = name
			accept(t, s, p)
		}
		for _, name := range []string{"octo/hello", "OCTO/hellO"} {
			builds, err := s.Builds(t.Context(), Query{Sight: Sight{All: true}, Repo: name})
			if err != nil || len(builds) != 2 || builds[0].ID != 2 {
				t.Errorf("%s: got %+v, %v; want builds 2 and 1", name, builds, err)
			}
		}
	})
}

// TestBuildsAndVerdictsOfARepositoryAreFoundEachByItsIndex: an index that serves the one must not draw SQLite away from that
// of the other.
func TestBuildsAndVerdictsOfARepositoryAreFoundEachByItsIndex(t *testing.T) {
	s := sqliteStore(t)
	all := Sight{All: true}
	verdicts := func(repos string) func() error {
		return func() error {
			_, err := s.Verdicts(t.Context(), VerdictQuery{Sight: all, Repos: repos})
			return err
		}
	}
	for name, c := range map[string]struct {
		read  func() error
		index string
	}{
		"list":            {func() error { _, err := s.Builds(t.Context(), Query{Sight: all, Repo: "octo/hello"}); return err }, "builds_repo"},
		"verdicts":        {verdicts(""), "builds_branch"},
		"of a repository": {verdicts("octo/hello"), "builds_branch"},
		"of a pattern":    {verdicts("octo/*"), "builds_branch"},
	} {
		t.Run(name, func(t *testing.T) {
			g, last := s.db.Read(t.Context()), ""
			must(t, storetest.Trace(g, func(statement string) { last = statement }))
			must(t, c.read())
			var plan []struct{ Detail string }
			must(t, g.Raw("EXPLAIN QUERY PLAN "+last).Scan(&plan).Error)
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
