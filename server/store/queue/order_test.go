package queue_test

import (
	"fmt"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// deliveredAs accepts pushes of one branch in an order: each is named by its number in the order in
// which they were made.
func deliveredAs(t *testing.T, s *Store, at func(n int) time.Time, before func(n int) string, order ...int) {
	t.Helper()
	for _, n := range order {
		p := push(n)
		p.At, p.Before = at(n), before(n)
		accept(t, s, p)
	}
}

// TestAVerdictIsThePushsThatWasMadeLast: deliveries overtake each other, and grades are taken from
// verdicts.
func TestAVerdictIsThePushsThatWasMadeLast(t *testing.T) {
	began := time.Now().Add(-time.Hour).Truncate(time.Second)
	minutes := func(n int) time.Time { return began.Add(time.Duration(n) * time.Minute) }
	sameSecond := func(int) time.Time { return began }
	unsaid := func(int) time.Time { return time.Time{} }
	chain := func(n int) string { return push(n - 1).SHA }
	none := func(int) string { return "" }
	for name, c := range map[string]struct {
		at     func(int) time.Time
		before func(int) string
		order  []int
		want   int
	}{
		"in order":                              {minutes, chain, []int{1, 2, 3}, 3},
		"the older last":                        {minutes, chain, []int{1, 3, 2}, 3},
		"backwards":                             {minutes, chain, []int{3, 2, 1}, 3},
		"by time alone, some between not there": {minutes, none, []int{9, 4}, 9},
		"in one second":                         {sameSecond, chain, []int{3, 1, 2}, 3},
		"in one second, nothing else said":      {sameSecond, none, []int{3, 1}, 1},
		"no time said: as they came":            {unsaid, chain, []int{2, 1}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, open func() *Store) {
				s := open()
				deliveredAs(t, s, c.at, c.before, c.order...)
				for _, q := range []builds.VerdictQuery{{}, {Repos: push(1).Repo.FullName, DefaultBranch: true},
					{Repos: "octo/*"}} {
					q.Sight = builds.Sight{All: true}
					got, err := s.Builds.Verdicts(t.Context(), q)
					if err != nil || len(got) != 1 || got[0].Push.SHA != push(c.want).SHA ||
						got[0].Judged.SHA != push(c.want).SHA {
						t.Errorf("%+v: got %+v, %v; want that of push %d", q, got, err, c.want)
					}
				}
			})
		})
	}
}

// TestARerunIsTheVerdictOfTheLastPushAlone: of an older one it changes nothing.
func TestARerunIsTheVerdictOfTheLastPushAlone(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		began := time.Now().Add(-time.Hour).Truncate(time.Second)
		deliveredAs(t, s, func(n int) time.Time { return began.Add(time.Duration(n) * time.Minute) },
			func(n int) string { return push(n - 1).SHA }, 2, 1) // build 1 is of the newer
		for id, state := range map[int64]pipeline.State{1: pipeline.Failed, 2: pipeline.Passed} {
			endAs(t, s, id, state)
		}
		judged := func() string {
			v, err := s.Builds.Verdicts(t.Context(), builds.VerdictQuery{Sight: builds.Sight{All: true}})
			must(t, err)
			return fmt.Sprintf("build %d %s of push %d", v[0].Judged.ID, v[0].Judged.State, v[0].Push.ID)
		}
		older, err := s.Rerun(t.Context(), byTest, 2)
		must(t, err)
		endAs(t, s, older, pipeline.Passed)
		if got := judged(); got != "build 1 failed of push 1" {
			t.Errorf("after a rerun of the older: %s", got)
		}
		newest, err := s.Rerun(t.Context(), byTest, 1)
		must(t, err)
		endAs(t, s, newest, pipeline.Passed)
		if got := judged(); got != fmt.Sprintf("build %d passed of push 1", newest) {
			t.Errorf("after a rerun of the newest: %s", got)
		}
	})
}

// endAs gives a build an end, as a worker would have.
func endAs(t *testing.T, s *Store, id int64, state pipeline.State) {
	t.Helper()
	must(t, s.Database.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Model(&builds.Row{}).Where("id = ?", id).
			Updates(map[string]any{"state": state, "ended_at": database.Micros(s.Database.Now())}).Error
	}))
}
