package queue

import (
	"slices"

	"github.com/riverqueue/river"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/verdict"
)

// enqueueAgain answers a delivery that comes again. Where the builds of its commit on the branch
// have come to nothing (they errored or were canceled), the commit is built again. The new build
// repeats the push's, and so keeps its place among the branch's pushes. known is false where a
// purge has removed delivery and builds meanwhile: then it is a new delivery.
func (q *Queue) enqueueAgain(
	tx *database.Tx, p Push, d deliveryRow,
) (a Accepted, jobs []river.InsertManyParams, known bool, err error) {
	var rows []builds.Row // of its commit on its branch, from the delivery's build on
	err = tx.Table("builds b").Select("b.*").
		Joins("JOIN builds d ON b.sha = d.sha AND b.id >= d.id AND b.ref = d.ref AND lower(b.repo) = lower(d.repo)").
		Where("d.id = ?", d.BuildID).Order("b.id").Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return Accepted{}, nil, false, err
	}
	last := verdict.Standing(builds.Of(rows))
	a = Accepted{BuildID: last.ID, Duplicate: true}
	if !verdict.CameToNothing(last) || p.SHA != last.SHA || p.Ref != last.Ref {
		return a, nil, true, nil
	}
	b := rows[slices.IndexFunc(rows, func(r builds.Row) bool { return r.ID == last.ID })].Again()
	if a.OverQuota, err = q.overQuota(tx, turnOf(b), false); err != nil || a.OverQuota != "" {
		return a, nil, true, err
	}
	if jobs, err = q.addBuild(tx, &b, pipeline.Outcome{}); err != nil {
		return Accepted{}, nil, true, err
	}
	return Accepted{BuildID: b.ID, Again: last.ID, turn: turnOf(b)}, jobs, true, nil
}

// skipped is the end of a build of a push that is not to be built.
func skipped(p Push) pipeline.Outcome {
	return pipeline.Outcome{State: pipeline.Skipped, Cause: p.Because, Summary: p.Unwanted}
}

// weigh has a push built, whatever was said, that is unwanted only where the commit before it passed,
// and whose commit before it did not.
func weigh(tx *database.Tx, p Push) (Push, error) {
	if p.Because != pipeline.CauseUnchanged {
		return p, nil
	}
	var rows []builds.Row
	err := builds.OfCommit(tx, p.Repo.FullName, p.Before).Order("id").Find(&rows).Error
	if !verdict.Passed(verdict.Standing(builds.Of(rows))) {
		p.Unwanted, p.Because = "", ""
	}
	return p, err
}

// builtBefore is the newest build of a push's commit in its repository, or zero. A fork's is none of the
// repository's own. Where the push is to be built, one that was not for its own branch's sake is none.
func builtBefore(tx *database.Tx, p Push) (int64, error) {
	var ids []int64
	found := builds.OfCommit(tx, p.Repo.FullName, p.SHA)
	if p.Unwanted == "" {
		found = found.Where("cause NOT IN ?",
			[]pipeline.Cause{pipeline.CauseSkipped, pipeline.CauseFiltered, pipeline.CauseSuperseded})
	}
	err := found.Order("id DESC").Limit(1).Pluck("id", &ids).Error
	return slices.Max(append(ids, 0)), err
}
