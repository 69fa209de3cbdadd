package queue_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/queue"
)

func TestPlaceOf(t *testing.T) {
	for name, c := range map[string]struct {
		ahead  int
		others []queue.QueuedRepo
		want   int
	}{
		"alone":                      {0, nil, 1},
		"behind its own":             {3, nil, 4},
		"a flood that was served":    {0, []queue.QueuedRepo{{false, 200}}, 1},
		"a flood whose turn it is":   {0, []queue.QueuedRepo{{true, 200}}, 2},
		"second, behind one of each": {1, []queue.QueuedRepo{{true, 9}, {false, 9}}, 5},
		"others run out":             {5, []queue.QueuedRepo{{true, 2}, {false, 1}}, 9},
		"beyond what is counted":     {99, []queue.QueuedRepo{{true, 200}}, queue.MaxPlace + 1},
		"the last that is counted":   {99, nil, queue.MaxPlace},
	} {
		if got := queue.PlaceOf(c.ahead, c.others); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

// TestPlaceIsTheOrderInWhichBuildsAreStarted asks for the place of each build, then claims them
// all.
func TestPlaceIsTheOrderInWhichBuildsAreStarted(t *testing.T) {
	for _, defaultFirst := range []bool{false, true} {
		t.Run(fmt.Sprintf("default branch first is %v", defaultFirst), func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, open func() *Store) {
				s := open()
				s.PutDefaultBranchFirst(defaultFirst)
				random := rand.New(rand.NewPCG(1, 2))
				for i := range 60 {
					if i == 20 || i == 40 { // some turns were taken, some repositories have no build left
						for range 15 {
							if claimApart(t, s) == 0 {
								t.Fatal("nothing waits")
							}
						}
					}
					accept(t, s, pushOf(i, fmt.Sprintf("o/Repo-%d", random.IntN(1+i%7)),
						[]string{"main", "topic"}[random.IntN(2)]))
				}
				waiting, err := s.Builds.List(t.Context(),
					builds.Query{Sight: builds.Sight{All: true}, State: pipeline.Queued})
				must(t, err)
				want := make([]int64, len(waiting))
				for _, b := range waiting {
					place, err := s.Place(t.Context(), b)
					if err != nil || place < 1 || place > len(want) || want[place-1] != 0 {
						t.Fatalf("build %d has place %d of %d, %v", b.ID, place, len(want), err)
					}
					want[place-1] = b.ID
				}
				var got []int64
				for id := claimApart(t, s); id != 0; id = claimApart(t, s) {
					got = append(got, id)
				}
				if !slices.Equal(got, want) {
					t.Errorf("started %v, told %v", got, want)
				}
				b, err := s.Builds.Get(t.Context(), want[0])
				must(t, err)
				if place, err := s.Place(t.Context(), b); place != 0 || err != nil {
					t.Errorf("a build that runs has place %d, %v", place, err)
				}
			})
		})
	}
}

// claimApart claims a build, or gives 0, and waits until the next claim comes at another time by
// SQLite's clock: of turns that were taken in one millisecond it keeps no order.
func claimApart(t *testing.T, s *Store) int64 {
	t.Helper()
	b, _, err := s.Claim(t.Context(), 0, "me")
	must(t, err)
	for begin := time.Now().UnixMilli(); time.Now().UnixMilli() == begin; {
	}
	return b.ID
}

func TestPlaceIsBounded(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		var last int64
		for i := range 130 {
			last = accept(t, s, pushOf(i, "flood/repo", "main"))
		}
		var behind int64
		for i := range 130 {
			behind = accept(t, s, pushOf(1000+i, fmt.Sprintf("many/repo-%03d", i), "main"))
		}
		for _, c := range []struct {
			id   int64
			want int
		}{{1, 1}, {last, queue.MaxPlace + 1}, {behind, queue.MaxPlace + 1}, {behind - 100, 31},
			{2, queue.MaxPlace + 1}} {
			b, err := s.Builds.Get(t.Context(), c.id)
			must(t, err)
			if place, err := s.Place(t.Context(), b); place != c.want || err != nil {
				t.Errorf("build %d: got place %d, %v; want %d", c.id, place, err, c.want)
			}
		}
	})
}

func TestBuildsStartedWhileOneWaitedAreCounted(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		forward := clockOf(s)
		for i := range 4 {
			accept(t, s, pushOf(i, fmt.Sprintf("o/repo-%d", i), "main"))
		}
		first := runFor(t, s, forward, time.Second)
		forward(time.Second)
		p := pushOf(9, "other/repo", "main")
		id := accept(t, s, p)
		for range 3 {
			forward(time.Second)
			runFor(t, s, forward, time.Second)
		}
		forward(time.Second)
		if last := runFor(t, s, forward, time.Second); last != id || first == id {
			t.Fatalf("build %d came last, want %d", last, id)
		}
		b, err := s.Builds.Get(t.Context(), id)
		must(t, err)
		if n, err := s.Builds.StartedBetween(t.Context(), b.QueuedAt, b.StartedAt, 100); n != 3 || err != nil {
			t.Errorf("got %d, %v; want 3", n, err)
		}
		if n, err := s.Builds.StartedBetween(t.Context(), b.QueuedAt, b.StartedAt, 2); n != 2 || err != nil {
			t.Errorf("bounded by 2: got %d, %v", n, err)
		}
	})
}

func TestPlaceIsFoundByIndexes(t *testing.T) {
	s := sqliteStore(t)
	var plan []struct{ Detail string }
	must(t, s.Database.Read(t.Context()).
		Raw("EXPLAIN QUERY PLAN "+queue.OthersQuery, sql.Named("served", 0), sql.Named("key", "a/a"),
			sql.Named("most", 1), sql.Named("repos", 1)).Scan(&plan).Error)
	text := fmt.Sprint(plan)
	if strings.Count(text, "USING INDEX builds_turn") != 2 ||
		!strings.Contains(text, "SCAN t USING INDEX turns_next") || strings.Contains(text, "B-TREE") {
		t.Errorf("the plan is %s", text)
	}
}
