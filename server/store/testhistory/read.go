package testhistory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"vivarium/pipeline"
	"vivarium/pipeline/environment"
	"vivarium/pipeline/results"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/environments"
	"vivarium/server/store/testruns"
)

// Bounds of what is read for one build.
const (
	mostBuilds = 100 // of the branch
	MostTests  = 100 // of which the history is told
	mostOthers = 5   // of the same commit
)

// Histories reads them out of a database.
type Histories struct {
	db   *database.DB
	runs *testruns.Runs
	ran  *environments.Environments
}

// New reads those of db.
func New(db *database.DB) *Histories {
	return &Histories{db: db, runs: testruns.New(db), ran: environments.New(db)}
}

// Of is the history of the failing tests of a build, the first MostTests of those that are given.
func (h *Histories) Of(ctx context.Context, b pipeline.Build, failing []testruns.Result) (map[Key]History, error) {
	failing = failing[:min(len(failing), MostTests)]
	if len(failing) == 0 || !b.State.Ended() {
		return nil, nil
	}
	branch, err := h.branch(ctx, b, failing)
	if err != nil {
		return nil, fmt.Errorf("read the history of the tests of build %d: %w", b.ID, err)
	}
	all := map[Key]History{}
	for _, t := range failing {
		first, isNew := since(branch, KeyOf(t))
		all[KeyOf(t)] = History{Since: first, New: isNew}
	}
	if err := h.addPassed(ctx, b, all); err != nil {
		return nil, fmt.Errorf("read how the tests of build %d ended in others of its commit: %w", b.ID, err)
	}
	return all, nil
}

// earlier are the ended builds of a branch that ran tests. A rerun belongs to the push of its commit.
const earlier = `
SELECT b.id, b.cause, s.results, r.failed + r.error + r.unexpected_success AS red,
	(SELECT count(*) FROM test_failures f WHERE f.build_id = b.id AND f.attempt = b.attempt) AS kept,
	CASE WHEN b."trigger" IN ('push', 'poll') THEN b.pushed_at ELSE coalesce((
		SELECT max(p.pushed_at) FROM builds p WHERE p.sha = b.sha AND p.id < b.id AND p.ref = b.ref
			AND lower(p.repo) = lower(b.repo) AND p."trigger" IN ('push', 'poll')), b.queued_at) END AS pushed_at
FROM builds b
	JOIN test_runs r ON r.build_id = b.id AND r.attempt = b.attempt
	LEFT JOIN steps s ON s.build_id = b.id AND s.attempt = b.attempt AND s.name = 'test'
WHERE lower(b.repo) = ? AND b.ref = ? AND b.ended_at > 0 AND b.id < ? AND (? OR NOT b.private)
ORDER BY b.id DESC LIMIT ?`

// overtaken is how many builds that came after one are looked at: deliveries overtake each other, so
// that some of these may be of an earlier push.
const overtaken = 20

// earlierRow is a build as the query gives it.
type earlierRow struct {
	ID       int64
	Cause    pipeline.Cause
	Results  string
	Red      int // tests that failed, and how many of them are kept as rows
	Kept     int
	PushedAt int64
}

// unsure reports whether a test that is not among the red ones may not have been reached, or not have
// been kept.
func (r earlierRow) unsure() bool {
	cut := r.Cause != "" && r.Cause != pipeline.CauseTests && r.Cause != pipeline.CauseLint
	step, err := builds.StepRow{Results: r.Results}.Step()
	sum := step.Results
	return cut || err != nil || sum.Crashed != "" || sum.Hung != "" || sum.NotReached > 0 || r.Red > r.Kept
}

// branch are the builds of a build's branch, in the order of their pushes, of which it is the last.
func (h *Histories) branch(ctx context.Context, b pipeline.Build, failing []testruns.Result) ([]ran, error) {
	var rows []earlierRow
	err := h.db.Read(ctx).Raw(
		earlier, strings.ToLower(b.Repo.FullName), b.Ref, b.ID+overtaken, b.Repo.Private, mostBuilds,
	).
		Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	failed, err := h.failed(ctx, rows, failing)
	if err != nil {
		return nil, err
	}
	list := make([]ran, len(rows))
	for i, r := range rows {
		list[i] = ran{ID: r.ID, PushedAt: r.PushedAt, Failed: failed[r.ID], Unsure: r.unsure()}
	}
	inOrder(list)
	here := slices.IndexFunc(list, func(r ran) bool { return r.ID == b.ID })
	return list[:here+1], nil
}

// failed are those of some tests that failed in some builds, by build.
func (h *Histories) failed(
	ctx context.Context, in []earlierRow, tests []testruns.Result,
) (map[int64]map[Key]bool, error) {
	var ids []int64
	for _, r := range in {
		ids = append(ids, r.ID)
	}
	var names []string
	for _, t := range tests {
		names = append(names, t.ID)
	}
	var rows []struct {
		BuildID int64
		Key     Key `gorm:"embedded"`
	}
	err := h.db.Read(ctx).Table("test_failures AS f").Select("f.build_id, f.test, f.sub").
		Joins("JOIN builds b ON b.id = f.build_id AND b.attempt = f.attempt").
		Where("f.build_id IN ? AND f.test IN ?", ids, names).Scan(&rows).Error
	all := map[int64]map[Key]bool{}
	for _, r := range rows {
		if all[r.BuildID] == nil {
			all[r.BuildID] = map[Key]bool{}
		}
		all[r.BuildID][r.Key] = true
	}
	return all, err
}

// addPassed adds in which build of the same commit a test passed.
func (h *Histories) addPassed(ctx context.Context, b pipeline.Build, all map[Key]History) error {
	var others []int64
	query := h.db.Read(ctx).Table("builds").
		Where("sha = ? AND lower(repo) = ? AND id <> ? AND ended_at > 0", b.SHA, strings.ToLower(b.Repo.FullName), b.ID).
		Where("fork = ?", b.Fork)
	if !b.Repo.Private {
		query = query.Where("NOT private")
	}
	if err := query.Order("id DESC").Limit(mostOthers).Pluck("id", &others).Error; err != nil || len(others) == 0 {
		return err
	}
	now, err := h.ran.Of(ctx, b.ID)
	if err != nil {
		return err
	}
	for _, other := range others {
		was, err := h.ran.Of(ctx, other)
		if err != nil {
			return err
		}
		d := environment.Compare(environment.Green{Build: other, SHA: b.SHA, Environment: was}, b.SHA, now)
		if err := h.addPassedIn(ctx, other, d.Compared && d.Nothing(), all); err != nil {
			return err
		}
	}
	return nil
}

// addPassedIn adds the tests that passed in one build. same says that it ran with the same image and
// packages, which says more than one that did not.
func (h *Histories) addPassedIn(ctx context.Context, build int64, same bool, all map[Key]History) error {
	passed := map[string]bool{}
	only := testruns.Query{Outcomes: []results.Outcome{results.Passed}}
	err := h.runs.Each(ctx, build, only, func(t testruns.Result) bool {
		passed[t.ID] = true
		return true
	})
	for key, is := range all {
		if passed[key.Test] && (is.Passed == 0 || same && !is.Flaky) {
			is.Passed, is.Flaky = build, same
			all[key] = is
		}
	}
	return err
}
