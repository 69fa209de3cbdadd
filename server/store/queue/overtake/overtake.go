// Package overtake ends the builds of a branch's older pushes for a newer push's sake. What ends, and
// which push is the newer one, package verdict decides.
package overtake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/verdict"
)

// Overtaker ends builds.
type Overtaker struct {
	How verdict.Supersede
	// End ends a build that waits. For one that has begun meanwhile it is builds.ErrLost.
	End func(context.Context, *database.Tx, *builds.Row, pipeline.Outcome) error
}

// Over is what one push ended: builds of older pushes of its branch, or its own, where it came after
// a newer one. The nil Over is nothing.
type Over struct {
	Ended   []builds.Row
	Running []builds.Row // asked to end
}

// Has reports whether a build has ended.
func (o *Over) Has(build int64) bool {
	return o != nil && slices.ContainsFunc(o.Ended, func(b builds.Row) bool { return b.ID == build })
}

// Push ends what the newest push of a branch makes pointless, after a push got the build b. One of which nothing
// was built ends none.
func (o Overtaker) Push(tx *database.Tx, b builds.Row) (*Over, error) {
	of := pipeline.Repository{FullName: b.Repo, DefaultBranch: b.DefaultBranch}
	if o.How == verdict.SupersedeNone || slices.Contains(builds.Unbuilt, b.Cause) || !verdict.MaySupersede(b.Ref, of) {
		return nil, nil
	}
	open, err := unended(tx, b)
	if err != nil {
		return nil, err
	}
	last, ok, err := lastPush(tx, b, open)
	if err != nil || !ok {
		return nil, err
	}
	over := &Over{}
	for _, older := range open {
		if older.ID == last.ID || !o.How.Ends(older.State) {
			continue
		}
		err := o.one(tx, older, last, over)
		if err != nil && !errors.Is(err, builds.ErrLost) { // then another server has just begun or ended it
			return nil, err
		}
	}
	return over, nil
}

// unended are the builds of pushes of b's branch that have not ended, but for those that somebody had
// built although they were skipped.
func unended(tx *database.Tx, b builds.Row) (rows []builds.Row, err error) {
	err = tx.Where(builds.Pushes+` AND ended_at = 0 AND lower(repo) = ? AND ref = ? AND rerun_of = 0`,
		strings.ToLower(b.Repo), b.Ref).Order("id").Find(&rows).Error
	return rows, err
}

// lastPush is the push of b's branch that was made last, of those that are built. Only the oldest of
// the open ones and what was made after it can be that.
func lastPush(tx *database.Tx, b builds.Row, open []builds.Row) (verdict.Dated, bool, error) {
	since := b.PushedAt
	for _, one := range open {
		since = min(since, one.PushedAt)
	}
	var pushes []verdict.Dated
	err := tx.Model(&builds.Row{}).
		Select("id, ref AS branch, before_sha, sha, pushed_at, cause IN ? AS unbuilt", builds.Unbuilt).
		Where(builds.Pushes+` AND lower(repo) = ? AND ref = ? AND pushed_at >= ?`,
			strings.ToLower(b.Repo), b.Ref, since).
		Order("id").Scan(&pushes).Error
	last, ok := verdict.Last(pushes)
	return last, ok, err
}

// one ends a build that waits, or asks the worker of one that runs to end it.
func (o Overtaker) one(tx *database.Tx, b builds.Row, last verdict.Dated, over *Over) error {
	b.SupersededBy = last.ID
	if b.State == pipeline.Running {
		r := builds.Fenced(tx, b.ID, b.Attempt).
			Updates(map[string]any{"cancel_requested": true, "superseded_by": last.ID})
		if err := database.One(r, builds.ErrLost); err != nil {
			return err
		}
		over.Running = append(over.Running, b)
		return nil
	}
	if err := o.End(tx.Statement.Context, tx, &b, superseded(last.ID, last.SHA)); err != nil {
		return err
	}
	over.Ended = append(over.Ended, b)
	return nil
}

// superseded is the end of a build for the sake of a newer push's.
func superseded(by int64, sha string) pipeline.Outcome {
	return pipeline.Outcome{State: pipeline.Canceled, Cause: pipeline.CauseSuperseded,
		Summary: fmt.Sprintf("superseded by build %d: the branch was pushed again, to %.7s", by, sha)}
}

// Explain gives the outcome of a build that ends since it was asked to the reason, where that was a
// newer push.
func Explain(tx *database.Tx, b builds.Row, o *pipeline.Outcome) error {
	if o.Cause != pipeline.CauseCanceled {
		return nil
	}
	var by []builds.Row
	err := tx.Where("id = (SELECT superseded_by FROM builds WHERE id = ?)", b.ID).Limit(1).Find(&by).Error
	if err != nil || len(by) == 0 {
		return err
	}
	end := superseded(by[0].ID, by[0].SHA)
	o.State, o.Cause, o.Summary = end.State, end.Cause, end.Summary
	return nil
}
