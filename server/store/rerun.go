package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"vivarium/pipeline"
)

// Rerun queues a new build of the same commit, with job and pending status. Over a quota it is a QuotaError, and the commit's
// status stays as it is: who asks is told.
func (s *Store) Rerun(ctx context.Context, by Actor, id int64) (int64, error) {
	var b buildRow
	err := s.db.transact(ctx, func(tx *tx) error {
		var old buildRow
		if err := tx.Take(&old, id).Error; err != nil {
			return err
		}
		b = old.again()
		why, err := s.overQuota(tx, turnOf(b), false)
		if err != nil {
			return err
		}
		if why != "" {
			return &QuotaError{why}
		}
		jobs, err := s.enqueue(tx, &b, "")
		if err != nil {
			return err
		}
		if err := s.audit(tx, by, fmt.Sprintf("repeated build %d as build %d of", id, b.ID), b.Repo); err != nil {
			return err
		}
		if err := s.line(tx, turnOf(b)); err != nil {
			return err
		}
		return tx.river.insert(ctx, jobs...)
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = ErrNotFound
	}
	if err != nil {
		return 0, fmt.Errorf("rerun build %d: %w", id, err)
	}
	s.log.InfoContext(ctx, "build queued", "build", b.ID, "repo", b.Repo, "sha", b.SHA, "rerun_of", id)
	s.watch.wake(b.ID)
	return b.ID, nil
}

// maxReruns is how many builds Rerunnable gives at most.
const maxReruns = 1000

// RerunQuery selects builds to run again. Zero fields other than State do not restrict.
type RerunQuery struct {
	State pipeline.State // an end
	Since time.Time      // only those that ended then or later
	Repos string         // OWNER/NAME or OWNER/PATTERN
}

// Rerunnable lists the builds that a query selects, oldest first and at most 1000, less those whose commit was built again on the same
// branch since: what that came to counts.
func (s *Store) Rerunnable(ctx context.Context, q RerunQuery) ([]pipeline.Build, error) {
	db := s.db.read(ctx).Where("state = ? AND ended_at >= ?", q.State, micros(q.Since)).
		Where(`NOT EXISTS (SELECT 1 FROM builds l WHERE l.sha = builds.sha AND l.id > builds.id AND l.ref = builds.ref AND lower(l.repo) = lower(builds.repo))`)
	if q.Repos != "" {
		db = db.Where(fits("repo", q.Repos))
	}
	var rows []buildRow
	if err := db.Order("id").Limit(maxReruns).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for builds to run again: %w", err)
	}
	builds := make([]pipeline.Build, len(rows))
	for i, r := range rows {
		builds[i] = r.build()
	}
	return builds, nil
}
