package queue_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
	"vivarium/server/store/queue"
	"vivarium/server/store/queue/patience"
)

// pushOf is the n-th push of a test, of a repository and branch.
func pushOf(n int, repo, branch string) Push {
	p := push(n)
	p.Repo.FullName, p.Ref = repo, pipeline.BranchRef(branch)
	return p
}

// order claims until nothing more may start, and gives the repositories in their order.
func order(t *testing.T, s *Store) (repos []string, ids []int64) {
	t.Helper()
	for {
		b, ok, err := s.Claim(t.Context(), 0, "me")
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
	must(t, s.Database.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Model(&builds.Row{}).Where("id = ?", first).
			Update("not_before", database.Micros(time.Now().Add(time.Hour))).Error
	}))
	if _, ids := order(t, s); !slices.Equal(ids, []int64{second}) {
		t.Errorf("got %v, want the second alone", ids)
	}
	s.Database.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if _, ids := order(t, s); !slices.Equal(ids, []int64{first}) {
		t.Errorf("later got %v, want the first", ids)
	}
}

func TestCapOfRunningBuildsPerRepository(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		s.Tell(queue.Work{RepoWorkers: 1})
		for i, repo := range strings.Fields("a/a a/a A/A b/b") {
			accept(t, s, pushOf(i, repo, "main"))
		}
		repos, ids := order(t, s)
		if want := []string{"a/a", "b/b"}; !slices.Equal(repos, want) {
			t.Errorf("got %v, want %v", repos, want)
		}
		var b builds.Row
		must(t, s.Database.Read(t.Context()).Take(&b, ids[0]).Error)
		must(t, s.Finish(t.Context(), b, pipeline.Outcome{State: pipeline.Passed}))
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
				s.PutDefaultBranchFirst(on)
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

// letIn makes an entry of the registry, with limits.
func letIn(t *testing.T, s *Store, kind registry.Kind, name string, limits registry.Limits) registry.Entry {
	t.Helper()
	_, err := s.Entries.Add(t.Context(), people.Actor{Who: "test"}, kind, name)
	must(t, err)
	e, err := s.Entries.Limit(t.Context(), people.Actor{Who: "test"}, name, func(l *registry.Limits) { *l = limits })
	must(t, err)
	return e
}

func via(p Push, e registry.Entry) Push {
	p.Via = e
	return p
}

// endOne ends the oldest build that runs of a repository.
func endOne(t *testing.T, s *Store, repo string) {
	t.Helper()
	var b builds.Row
	must(t, s.Database.Read(t.Context()).Where("repo = ? AND state = ?", repo, pipeline.Running).Order("id").
		Take(&b).Error)
	must(t, s.Finish(t.Context(), b, pipeline.Outcome{State: pipeline.Passed}))
}

func TestCapsOfRunningBuildsPerPattern(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		group := letIn(t, s, registry.Pattern, "school/group-*", registry.Limits{Running: 3, Each: 2})
		single := letIn(t, s, registry.Repository, "octo/hello", registry.Limits{Running: 1})
		for i := range 12 {
			accept(t, s, via(pushOf(i, fmt.Sprintf("school/group-%d", i%3), "main"), group))
		}
		accept(t, s, via(pushOf(20, "octo/hello", "main"), single))
		accept(t, s, via(pushOf(21, "Octo/Hello", "main"), single))
		accept(t, s, pushOf(22, "other/free", "main"))
		accept(t, s, pushOf(23, "other/free", "main"))
		repos, _ := order(t, s)
		want := strings.Fields("school/group-0 school/group-1 school/group-2 octo/hello other/free other/free")
		if !slices.Equal(repos, want) {
			t.Errorf("got %v, want %v", repos, want)
		}
		endOne(t, s, "school/group-1")
		must(t, s.Entries.Rename(t.Context(), entryOf(t, s, "school/group-2").ID, "school/elsewhere"))
		accept(t, s, via(pushOf(30, "school/elsewhere", "main"), group))
		repos, _ = order(t, s)
		if want := []string{"school/elsewhere"}; !slices.Equal(repos, want) {
			t.Errorf("after one has ended: got %v, want %v, which counts for the pattern under its new name too",
				repos, want)
		}
		_, err := s.Entries.Limit(t.Context(), people.Actor{}, "school/group-0",
			func(l *registry.Limits) { l.Running = 1 })
		must(t, err)
		_, err = s.Entries.Limit(t.Context(), people.Actor{}, "school/group-*",
			func(l *registry.Limits) { l.Running = 0 })
		must(t, err)
		repos, _ = order(t, s)
		if slices.Contains(repos, "school/group-0") || !slices.Contains(repos, "school/group-1") {
			t.Errorf("without the pattern's cap: got %v, want none of school/group-0, which has one of its own", repos)
		}
	})
}

func entryOf(t *testing.T, s *Store, name string) registry.Entry {
	t.Helper()
	entries, err := s.Entries.For(t.Context(), registry.Origin{Name: name})
	must(t, err)
	for _, e := range entries {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("%s is not in the registry: %v", name, entries)
	return registry.Entry{}
}

// TestCapHoldsWhereManyClaimAtOnce: each claims on connections of its own, as servers on one
// database do.
func TestCapHoldsWhereManyClaimAtOnce(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		group := letIn(t, s, registry.Pattern, "school/group-*", registry.Limits{Running: 3})
		for i := range 20 {
			accept(t, s, via(pushOf(i, fmt.Sprintf("school/group-%d", i), "main"), group))
		}
		var begun atomic.Int64
		var claims sync.WaitGroup
		for range 4 {
			one := open()
			for range 3 {
				claims.Go(func() {
					if _, ok, err := one.Claim(t.Context(), 0, "me"); err != nil {
						t.Error(err)
					} else if ok {
						begun.Add(1)
					}
				})
			}
		}
		claims.Wait()
		if begun.Load() != 3 {
			t.Errorf("%d builds were begun, want 3", begun.Load())
		}
	})
}

func TestBuildThatACapHeldBackStartsWhenOneEnds(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		group := letIn(t, s, registry.Pattern, "school/group-*", registry.Limits{Running: 1})
		starts := make(chan started)
		serve(t, s, Work{Workers: 2, Build: held(starts)})
		first := accept(t, s, via(pushOf(1, "school/group-1", "main"), group))
		one := nextStart(t, starts)
		second := accept(t, s, via(pushOf(2, "school/group-2", "main"), group))
		other := accept(t, s, pushOf(3, "other/free", "main"))
		beside := nextStart(t, starts)
		if one.id != first || beside.id != other {
			t.Fatalf("builds %d and %d were started, want %d and %d: build %d is over the cap", one.id, beside.id,
				first, other, second)
		}
		beside.release()
		waitState(t, s, other, pipeline.Passed)
		if b, err := s.Builds.Get(t.Context(), second); err != nil || b.State != pipeline.Queued {
			t.Errorf("the build over the cap is %s, %v; want queued", b.State, err)
		}
		one.release()
		last := nextStart(t, starts)
		if last.id != second {
			t.Errorf("build %d was started, want %d", last.id, second)
		}
		last.release()
		waitState(t, s, second, pipeline.Passed)
	})
}

// TestTurnIsNotLostToAPushUnderWay: a claim that finds nothing of a repository, while another
// server queues a build of it, must not note that nothing waits: nobody would look at the build
// before the repository's next push.
func TestTurnIsNotLostToAPushUnderWay(t *testing.T) {
	s := openStore(t, Options{DatabaseURL: postgresURL(t), DataDir: t.TempDir(), Log: testLog(t)})
	accept(t, s, push(1))
	_, ok, err := s.Claim(t.Context(), 0, "me") // its turn is noted as empty by the next claim alone
	if must(t, err); !ok {
		t.Fatal("the first build was not claimed")
	}
	claimed := make(chan error)
	var id int64
	must(t, s.Database.Transact(t.Context(), func(tx *database.Tx) (err error) {
		if id, err = s.AcceptIn(tx, push(2)); err != nil {
			return err
		}
		go func() {
			_, _, err := s.Claim(t.Context(), 1, "another")
			claimed <- err
		}()
		eventually(t, "the claim waits for the push", func() bool {
			var waiting int64
			err := s.Database.Read(t.Context()).
				Raw(`SELECT count(*) FROM pg_stat_activity
					WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting).Error
			return err == nil && waiting > 0
		})
		return nil
	}))
	must(t, <-claimed)
	if b, ok, err := s.Claim(t.Context(), 2, "another"); err != nil || !ok || b.ID != id {
		t.Errorf("claimed %d, %v, %v; want build %d, which was pushed meanwhile", b.ID, ok, err, id)
	}
}

// TestFirstTurnFollowsThePushes: among repositories of which none was built yet, not the alphabet.
// Also of deliveries that share a transaction, and of one that waited before, in vain.
func TestFirstTurnFollowsThePushes(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		gone := accept(t, s, pushOf(0, "m/gone", "main"))
		must(t, s.Cancel(t.Context(), people.Actor{}, gone))
		if repos, _ := order(t, s); len(repos) != 0 {
			t.Fatalf("control: got %v, want nothing to wait", repos)
		}
		for i, repo := range strings.Fields("z/z m/m z/z a/a M/gone") {
			accept(t, s, pushOf(1+i, repo, "main"))
		}
		_, err := s.AcceptTogether(t.Context(),
			[]Push{pushOf(10, "y/y", "main"), pushOf(10, "y/y", "main"), pushOf(11, "b/b", "main"),
				pushOf(12, "y/y", "main"), pushOf(13, "c/c", "main")})
		must(t, err)
		accept(t, s, pushOf(20, "a/last", "main"))
		var place []int
		for id := gone + 1; id <= gone+5; id++ {
			b, err := s.Builds.Get(t.Context(), id)
			must(t, err)
			n, err := s.Place(t.Context(), b)
			must(t, err)
			place = append(place, n)
		}
		if want := []int{1, 2, 9, 3, 4}; !slices.Equal(place, want) {
			t.Errorf("told the places %v, want %v", place, want)
		}
		repos, _ := order(t, s)
		if want := strings.Fields("z/z m/m a/a M/gone y/y b/b c/c a/last z/z y/y"); !slices.Equal(repos, want) {
			t.Errorf("got %v\nwant %v", repos, want)
		}
	})
}

// TestAnAttemptThatHeldAWorkerWasItsTurn: trouble outside gives the turn back where it came at
// once, and not after minutes.
func TestAnAttemptThatHeldAWorkerWasItsTurn(t *testing.T) {
	for ran, want := range map[time.Duration][]string{
		patience.FreeTurn - time.Second: {"a/a", "b/b"}, patience.FreeTurn: {"b/b", "a/a"},
	} {
		t.Run(ran.String(), func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, open func() *Store) {
				s := open()
				forward := clockOf(s)
				accept(t, s, pushOf(1, "a/a", "main"))
				accept(t, s, pushOf(2, "b/b", "main"))
				met(t, s, forward, pipeline.CauseIndex, ran)
				forward(patience.Longest)
				if repos, _ := order(t, s); !slices.Equal(repos, want) {
					t.Errorf("got %v, want %v", repos, want)
				}
			})
		})
	}
}
