package queue_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/queue"
)

func TestLastBuildsAreThoseThatWereNotBuiltAgainSince(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		now := time.Now()
		ended := func(n int, repo, ref string, state pipeline.State, ago time.Duration) int64 {
			p := pushOf(n, repo, ref)
			p.GUID, p.BodyHash = fmt.Sprint(repo, ref, n, ago), fmt.Sprint(repo, ref, n, ago)
			id := accept(t, s, p)
			s.Database.Now = func() time.Time { return now.Add(-ago) }
			endAs(t, s, id, state)
			s.Database.Now = time.Now
			return id
		}
		errored := ended(1, "octo/hello", "main", pipeline.Errored, time.Hour)
		other := ended(1, "octo/hello", "copy", pipeline.Errored, time.Hour)
		long := ended(2, "octo/other", "main", pipeline.Errored, 5*time.Hour)
		ended(3, "octo/hello", "main", pipeline.Passed, time.Hour)
		before := ended(4, "octo/hello", "main", pipeline.Errored, time.Hour)
		ended(4, "octo/hello", "main", pipeline.Passed, time.Minute)
		twice := ended(5, "octo/hello", "main", pipeline.Errored, 2*time.Hour)
		newer := ended(5, "Octo/Hello", "main", pipeline.Errored, time.Hour)
		for name, c := range map[string]struct {
			q    builds.Query
			want []int64
		}{
			"errored": {builds.Query{Sight: builds.Sight{All: true}, Last: true, State: pipeline.Errored},
				[]int64{newer, long, other, errored}},
			"of late": {builds.Query{Sight: builds.Sight{All: true}, Last: true, State: pipeline.Errored,
				Since: now.Add(-3 * time.Hour)}, []int64{newer, other, errored}},
			"of a repository": {builds.Query{Sight: builds.Sight{All: true}, Last: true, State: pipeline.Errored,
				Fits: "OCTO/other"}, []int64{long}},
			"of a pattern": {builds.Query{Sight: builds.Sight{All: true}, Last: true, State: pipeline.Errored,
				Fits: "octo/h*"}, []int64{newer, other, errored}},
			"canceled": {builds.Query{Sight: builds.Sight{All: true}, Last: true, State: pipeline.Canceled},
				nil},
		} {
			builds, err := s.Builds.List(t.Context(), c.q)
			must(t, err)
			var got []int64
			for _, b := range builds {
				got = append(got, b.ID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: got %v, want %v (not %d and %d, which were built again)", name, got, c.want, before,
					twice)
			}
		}
	})
}

// deadlock has the next transactions that make a row end so that others can go on, as PostgreSQL
// ends them.
func deadlock(t *testing.T, s *Store, left int) {
	t.Helper()
	must(t, s.Database.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Callback().Create().After("gorm:create").Register("test:deadlock", func(g *gorm.DB) {
			if left > 0 {
				left--
				_ = g.AddError(&pgconn.PgError{Code: "40P01", Message: "deadlock detected"})
			}
		})
	}))
}

// TestRerunGoesOnAfterADeadlock: `builds rerun --state` repeats many in a row, beside pushes and
// claims.
func TestRerunGoesOnAfterADeadlock(t *testing.T) {
	for left, ok := range map[int]bool{queue.AcceptTries - 1: true, queue.AcceptTries: false} {
		s := sqliteStore(t)
		first := accept(t, s, push(1))
		deadlock(t, s, left)
		again, err := s.Rerun(t.Context(), byTest, first)
		if (err == nil) != ok {
			t.Fatalf("after %d deadlocks: %v", left, err)
		}
		builds, err := s.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}})
		if must(t, err); ok && (len(builds) != 2 || builds[0].ID != again) {
			t.Errorf("after %d deadlocks there are %d builds, the newest %d; want one more, %d", left, len(builds),
				builds[0].ID, again)
		}
	}
}
