package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
)

// pushOf is the n-th push of a test, of a repository and branch.
func pushOf(n int, repo, branch string) Push {
	p := push(n)
	p.Repo.FullName, p.Ref = repo, "refs/heads/"+branch
	return p
}

// order claims until nothing more may start, and gives the repositories in their order.
func order(t *testing.T, s *Store) (repos []string, ids []int64) {
	t.Helper()
	for {
		b, ok, err := s.claim(t.Context(), 0, "me")
		must(t, err)
		if !ok {
			return repos, ids
		}
		repos, ids = append(repos, b.Repo), append(ids, b.ID)
	}
}

func TestRepositoriesTakeTurns(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		for i, repo := range strings.Fields("a/a a/a a/a A/a b/b b/b c/c") {
			accept(t, s, pushOf(i, repo, "main"))
		}
		repos, ids := order(t, s)
		if want := strings.Fields("a/a b/b c/c a/a b/b a/a A/a"); !slices.Equal(repos, want) {
			t.Errorf("got %v, want %v", repos, want)
		}
		if want := []int64{1, 5, 7, 2, 6, 3, 4}; !slices.Equal(ids, want) {
			t.Errorf("got %v, want %v: of one repository the oldest first", ids, want)
		}
		accept(t, s, pushOf(20, "a/a", "main"))
		accept(t, s, pushOf(21, "d/d", "main"))
		if repos, _ := order(t, s); !slices.Equal(repos, []string{"d/d", "a/a"}) {
			t.Errorf("got %v, want the repository first that was never served", repos)
		}
	})
}

func TestBuildThatMustWaitHoldsUpNoOther(t *testing.T) {
	s := sqliteStore(t)
	first := accept(t, s, pushOf(1, "a/a", "main"))
	second := accept(t, s, pushOf(2, "a/a", "main"))
	must(t, s.db.transact(t.Context(), func(tx *tx) error {
		return tx.Model(&buildRow{}).Where("id = ?", first).Update("not_before", micros(time.Now().Add(time.Hour))).Error
	}))
	if _, ids := order(t, s); !slices.Equal(ids, []int64{second}) {
		t.Errorf("got %v, want the second alone", ids)
	}
	s.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if _, ids := order(t, s); !slices.Equal(ids, []int64{first}) {
		t.Errorf("later got %v, want the first", ids)
	}
}

func TestCapOfRunningBuildsPerRepository(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		s.repoWorkers = 1
		for i, repo := range strings.Fields("a/a a/a A/A b/b") {
			accept(t, s, pushOf(i, repo, "main"))
		}
		repos, ids := order(t, s)
		if want := []string{"a/a", "b/b"}; !slices.Equal(repos, want) {
			t.Errorf("got %v, want %v", repos, want)
		}
		var b buildRow
		must(t, s.db.read(t.Context()).Take(&b, ids[0]).Error)
		must(t, s.finish(t.Context(), b, pipeline.Outcome{State: pipeline.Passed}, nil))
		if repos, _ := order(t, s); !slices.Equal(repos, []string{"a/a"}) {
			t.Errorf("after one has ended: got %v, want one more", repos)
		}
	})
}

func TestDefaultBranchGoesFirstWhereSwitchedOn(t *testing.T) {
	for on, want := range map[bool][]int64{false: {1, 2, 3}, true: {2, 1, 3}} {
		t.Run(fmt.Sprint(on), func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, open func() *Store) {
				s := open()
				s.defaultBranchFirst = on
				for i, branch := range []string{"topic", "main", "topic"} {
					accept(t, s, pushOf(i, "a/a", branch))
				}
				if _, ids := order(t, s); !slices.Equal(ids, want) {
					t.Errorf("got %v, want %v", ids, want)
				}
			})
		})
	}
}
