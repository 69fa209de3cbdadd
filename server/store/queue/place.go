package queue

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
)

// MaxPlace is the last place that is told exactly. Each build behind it has place MaxPlace+1, so
// that asking costs little however many wait.
const MaxPlace = 100

// queuedRepo is another repository of which builds wait.
type queuedRepo struct {
	Before  bool // its turn comes before
	Waiting int
}

// placeOf is a build's place, from 1. Before it wait ahead builds of its own repository; each
// repository starts one build in its turn, then all do so again.
func placeOf(ahead int, others []queuedRepo) int {
	place := 1 + ahead
	for _, o := range others {
		turns := ahead
		if o.Before {
			turns++
		}
		place += min(o.Waiting, turns)
	}
	return min(place, MaxPlace+1)
}

// Place is the place in the queue of a build that waits, from 1 to MaxPlace+1; 0 of one that does
// not. It tells how many builds start before it as things stand now. Caps, and builds that wait
// after a failure, may change the order.
func (q *Queue) Place(ctx context.Context, b pipeline.Build) (int, error) {
	if b.State != pipeline.Queued {
		return 0, nil
	}
	db, key := q.db.Read(ctx), strings.ToLower(b.Repo.FullName)
	ahead, err := q.aheadOf(db, key, b)
	if err != nil || ahead >= MaxPlace {
		return MaxPlace + 1, wrapPlace(b, err)
	}
	var turns []turnRow
	if err := db.Where("repo_key = ?", key).Limit(1).Find(&turns).Error; err != nil {
		return 0, wrapPlace(b, err)
	}
	turn := turnRow{RepoKey: key}
	if len(turns) > 0 {
		turn = turns[0]
	}
	others, err := othersOf(db, turn, ahead)
	return placeOf(ahead, others), wrapPlace(b, err)
}

func wrapPlace(b pipeline.Build, err error) error {
	if err != nil {
		return fmt.Errorf("find the place of build %d in the queue: %w", b.ID, err)
	}
	return nil
}

// aheadOf counts the builds of b's own repository that are before it, up to MaxPlace.
func (q *Queue) aheadOf(db *gorm.DB, key string, b pipeline.Build) (int, error) {
	first := db.Model(&builds.Row{}).Select("1").Where("lower(repo) = ? AND state = 'queued'", key).Limit(MaxPlace)
	older := db.Where("id < ?", b.ID)
	if q.defaultBranchFirst {
		off := 1
		if b.OnDefaultBranch() {
			off = 0
		}
		older = db.Where(offDefaultBranch+" < ? OR ("+offDefaultBranch+" = ? AND id < ?)", off, off, b.ID)
	}
	if b.Fork {
		first = first.Where(db.Where("NOT fork").Or(older))
	} else {
		first = first.Where("NOT fork").Where(older)
	}
	var n int64
	err := db.Table("(?) AS first", first).Count(&n).Error
	return int(n), err
}

// othersQuery passes a key through lower() once more: SQLite compares a column by its affinity, and
// then does not use the index of an expression (250 ms in place of 1 where 10,000 builds wait).
const othersQuery = `SELECT (t.served < @served OR (t.served = @served AND t.repo_key < @key)) AS before,
		(SELECT count(*) FROM (
			SELECT 1 FROM builds WHERE lower(repo) = lower(t.repo_key) AND state = 'queued' LIMIT @most) few) AS waiting
	FROM turns t
	WHERE t.waiting AND t.repo_key <> @key
		AND EXISTS (SELECT 1 FROM builds WHERE lower(repo) = lower(t.repo_key) AND state = 'queued')
	ORDER BY t.served, t.repo_key LIMIT @repos`

// othersOf are the other repositories of which builds wait, in the order of their turns: only as
// many of them, and as many builds of each, as can matter.
func othersOf(db *gorm.DB, turn turnRow, ahead int) (others []queuedRepo, err error) {
	err = db.Raw(othersQuery, sql.Named("served", turn.Served), sql.Named("key", turn.RepoKey),
		sql.Named("most", ahead+1), sql.Named("repos", MaxPlace+1)).Scan(&others).Error
	return others, err
}
