package queue

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/queue/patience"
	"vivarium/server/store/queue/usage"
)

// turnRow is a repository's place among those that wait. The repository that was served longest ago
// is next; those that never were come before it. An index finds it, so that a claim costs the same
// whether ten builds wait or ten thousand.
type turnRow struct {
	RepoKey string `gorm:"primaryKey"` // its full name in lower case
	Waiting bool   // that builds of it may be queued: set with each, cleared when none is found
	// Served is when its last build was started, by the database's clock; of one that never was,
	// below 0 (neverServed).
	Served  int64
	EntryID int64 // its entry in the registry
}

func (turnRow) TableName() string { return "turns" }

// neverServed is more than there will be builds. A build's id less neverServed is the turn of a
// repository of which nothing was built yet: so these repositories come before all that were
// served, in the order of their pushes.
const neverServed = 1 << 62

// turnOf is the turn that a build waits for.
func turnOf(b builds.Row) turnRow {
	return turnRow{RepoKey: strings.ToLower(b.Repo), Waiting: true, Served: b.ID - neverServed, EntryID: b.EntryID}
}

// inOrder puts the turns of builds that were made in one transaction into the order in which their
// pushes came. The builds themselves were made in the order of their repositories.
func inOrder(turns []turnRow) {
	if len(turns) == 0 {
		return
	}
	first := slices.MinFunc(turns, func(a, b turnRow) int { return cmp.Compare(a.Served, b.Served) }).Served
	for i := range turns {
		turns[i].Served = first + int64(i)
	}
}

// firstTurns and moreTurns are how many turns are read at a time: few at first, since the first
// repository's build may nearly always start. Those whose builds must wait after a failure are
// passed over.
const firstTurns, moreTurns = 4, 100

// candidate is a build that a claim has found; 0: none. Another worker's whole attempt at it may come
// before the claim does, which its number tells.
type candidate struct {
	ID           int64
	Attempt      int
	SharedLosses int
	turn         turnRow
}

// nextBuild is the build whose turn it is: of the repositories that run fewer builds than the caps
// allow, the one that was served longest ago, and of that its oldest build (or the oldest of the
// default branch). There is none while what every build needs is away, and while a suspect runs, or
// is next but others run, on the server that asks.
func (q *Queue) nextBuild(tx *database.Tx, owner string) (candidate, error) {
	away, err := awayNow(tx)
	if err != nil || away[pipeline.CauseClone] {
		return candidate{}, err
	}
	alone, err := q.suspects(tx, owner)
	if err != nil {
		return candidate{}, err
	}
	next, err := q.nextInTurn(tx, away)
	if err != nil || next.ID == 0 || !alone.any {
		return next, err
	}
	if !patience.MayBegin(next.SharedLosses >= patience.TryAlone, alone.others, alone.running) {
		q.heldBack.Store(true)
		return candidate{}, nil
	}
	return next, nil
}

// nextInTurn is the build whose turn it is, of those that do not wait for what is away.
func (q *Queue) nextInTurn(tx *database.Tx, away map[pipeline.Cause]bool) (candidate, error) {
	full, err := q.full(tx)
	if err != nil {
		return candidate{}, err
	}
	limit := firstTurns
	for after := (turnRow{Served: math.MinInt64}); ; limit = moreTurns {
		var page []turnRow
		err := mayStart(tx, full).
			Where("served > ? OR (served = ? AND repo_key > ?)", after.Served, after.Served, after.RepoKey).
			Order("served, repo_key").Limit(limit).Find(&page).Error
		if err != nil || len(page) == 0 {
			return candidate{}, err
		}
		for _, t := range page {
			if first, err := q.firstOf(tx, t, away); err != nil || first.ID != 0 {
				return first, err
			}
		}
		after = page[len(page)-1]
	}
}

// mayStart are the turns of repositories that wait and are not full.
func mayStart(tx *database.Tx, full registry.Full) *gorm.DB {
	turns := tx.Where("waiting")
	if len(full.Repos) > 0 {
		turns = turns.Where("repo_key NOT IN ?", full.Repos)
	}
	if len(full.Entries) > 0 {
		turns = turns.Where("entry_id NOT IN (SELECT id FROM repositories WHERE id IN ? OR parent_id IN ?)",
			full.Entries, full.Entries)
	}
	return turns
}

// firstOf is the first build of a turn's repository that may start now: one of its own code, else one
// of a fork's. They are looked for one after the other, so that an index gives the order of each.
func (q *Queue) firstOf(tx *database.Tx, t turnRow, away map[pipeline.Cause]bool) (candidate, error) {
	for _, whose := range []string{"NOT fork", "fork AND approved"} {
		if first, err := q.firstWhere(tx, t, away, whose); err != nil || first.ID != 0 {
			return first, err
		}
	}
	if later, err := usage.Waiting(tx.DB, t.RepoKey); err != nil || later > 0 {
		return candidate{}, err
	}
	return candidate{}, clearTurn(tx, t.RepoKey)
}

// firstWhere is the first of a repository's builds that fulfil a condition and may start now.
func (q *Queue) firstWhere(
	tx *database.Tx, t turnRow, away map[pipeline.Cause]bool, whose string,
) (candidate, error) {
	order := "id"
	if q.defaultBranchFirst {
		order = offDefaultBranch + ", id"
	}
	waiting := tx.Model(&builds.Row{}).
		Where("lower(repo) = ? AND state = 'queued' AND not_before <= ?", t.RepoKey, database.Micros(q.db.Now())).
		Where(whose)
	var found []candidate
	err := notForNow(waiting, away).Order(order).Limit(1).Find(&found).Error
	if err != nil {
		return candidate{}, err
	}
	if len(found) == 0 {
		return candidate{}, nil
	}
	found[0].turn = t
	return found[0], nil
}

// clearTurn notes that nothing waits of a repository. A push that is under way holds the row: it is
// waited for, and then its build is seen. A push that comes later waits for this transaction, and
// notes its build after it.
func clearTurn(tx *database.Tx, key string) error {
	note := func(waiting bool) error {
		return tx.Model(&turnRow{}).Where("repo_key = ?", key).Update("waiting", waiting).Error
	}
	if err := note(false); err != nil {
		return err
	}
	if later, err := usage.Waiting(tx.DB, key); err != nil || later == 0 {
		return err
	}
	return note(true)
}

// offDefaultBranch is 0 for builds of the default branch and 1 for others. It has an index.
const offDefaultBranch = "CASE WHEN ref = 'refs/heads/' || default_branch THEN 0 ELSE 1 END"

// served puts a repository behind all others that wait.
func (q *Queue) served(tx *database.Tx, repo string) error {
	return tx.Exec("UPDATE turns SET served = "+q.db.Clock()+" WHERE repo_key = ?", strings.ToLower(repo)).Error
}

// lineAgain notes that a build is queued again whose attempt came to nothing. Its repository gets
// its turn back, unless used says that it has had it.
func (q *Queue) lineAgain(tx *database.Tx, b builds.Row, used bool) error {
	if used {
		return q.line(tx, turnOf(b))
	}
	err := tx.Exec("UPDATE turns SET served = ? WHERE repo_key = ? AND served > ?",
		b.TurnServed, strings.ToLower(b.Repo), b.TurnServed).Error
	if err != nil {
		return err
	}
	return q.line(tx, turnOf(b))
}

// line notes that builds of these repositories are queued, in the transaction that queues them.
// They are noted in one order, so that two servers do not wait for each other.
func (q *Queue) line(tx *database.Tx, turns ...turnRow) error {
	slices.SortStableFunc(turns, func(a, b turnRow) int { return strings.Compare(a.RepoKey, b.RepoKey) })
	for _, t := range slices.CompactFunc(turns, func(a, b turnRow) bool { return a.RepoKey == b.RepoKey }) {
		err := tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "repo_key"}},
			DoUpdates: clause.Assignments(map[string]any{"waiting": true, "entry_id": t.EntryID, "served": gorm.Expr(
				"CASE WHEN turns.served < 0 AND NOT turns.waiting THEN excluded.served ELSE turns.served END")}),
		}).Create(&t).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// DropTurn removes a repository's turn.
func DropTurn(tx *database.Tx, key string) error {
	return tx.Where("repo_key = ?", key).Delete(&turnRow{}).Error
}
