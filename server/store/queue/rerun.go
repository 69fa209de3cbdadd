package queue

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
)

// Rerun queues a new build of the same commit, with job and pending status. Over a quota that is a
// QuotaError, and the commit's status stays as it is.
func (q *Queue) Rerun(ctx context.Context, by people.Actor, id int64) (int64, error) {
	var b builds.Row
	err := database.TryAgain(acceptTries, database.IsDeadlock, func() error {
		return q.db.Transact(ctx, func(tx *database.Tx) (err error) {
			b, err = q.repeat(ctx, tx, by, id)
			return err
		})
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = database.ErrNotFound
	}
	if err != nil {
		return 0, fmt.Errorf("rerun build %d: %w", id, err)
	}
	q.log.InfoContext(ctx, "build queued", "build", b.ID, "repo", b.Repo, "sha", b.SHA, "rerun_of", id)
	q.logs.Wake(b.ID)
	return b.ID, nil
}

// repeat queues a new build of the commit of another one.
func (q *Queue) repeat(ctx context.Context, tx *database.Tx, by people.Actor, id int64) (builds.Row, error) {
	var old builds.Row
	if err := tx.Take(&old, id).Error; err != nil {
		return builds.Row{}, err
	}
	b := old.Again()
	why, err := q.overQuota(tx, turnOf(b), false)
	if err != nil {
		return builds.Row{}, err
	}
	if why != "" {
		return builds.Row{}, &QuotaError{why}
	}
	jobs, err := q.addBuild(tx, &b, pipeline.Outcome{})
	if err != nil {
		return builds.Row{}, err
	}
	if err := people.AddChange(tx, by, fmt.Sprintf("repeated build %d as build %d of", id, b.ID), b.Repo); err != nil {
		return builds.Row{}, err
	}
	if err := q.line(tx, turnOf(b)); err != nil {
		return builds.Row{}, err
	}
	return b, tx.Jobs.Insert(ctx, jobs...)
}
