package retention

import (
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

func TestAuthorsAreDroppedAfterTheirTime(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Retention) {
		r := open()
		ended := database.Micros(time.Now())
		add(t, r, builds.Row{Author: "octocat", State: pipeline.Passed, EndedAt: ended})
		add(t, r, builds.Row{Author: "hubot", State: pipeline.Queued})
		for _, c := range []struct {
			keep, later time.Duration
			dropped     int
		}{
			{0, 1000 * time.Hour, 0}, // for good
			{time.Hour, 59 * time.Minute, 0},
			{time.Hour, 61 * time.Minute, 1},
			{time.Hour, 61 * time.Minute, 0}, // nothing more to do
		} {
			r.db.Now = func() time.Time { return time.Now().Add(c.later) }
			if got, err := r.DropAuthors(t.Context(), c.keep); got != c.dropped || err != nil {
				t.Errorf("kept for %s, after %s: %d names dropped, %v; want %d", c.keep, c.later, got, err, c.dropped)
			}
		}
		if left := count(t, r, "builds", "author = 'octocat'"); left != 0 {
			t.Error("the build that ended still has its author")
		}
		if left := count(t, r, "builds", "author = 'hubot'"); left != 1 {
			t.Error("the build that has not ended lost its author")
		}
	})
}

func TestAuthorsAreDroppedInBatches(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Retention) {
		r := open()
		rows := make([]builds.Row, authorsMost+1)
		for i := range rows {
			rows[i] = builds.Row{Repo: name, Author: "octocat", State: pipeline.Passed, EndedAt: 1}
		}
		must(t, r.db.Transact(t.Context(), func(tx *database.Tx) error {
			return tx.CreateInBatches(rows, 100).Error
		}))
		for _, want := range []int{authorsMost, 1, 0} {
			if got, err := r.DropAuthors(t.Context(), time.Hour); got != want || err != nil {
				t.Errorf("%d names dropped, %v; want %d", got, err, want)
			}
		}
	})
}
