package queue

import (
	"context"
	"fmt"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/entries"
	"vivarium/server/store/queue/usage"
)

// QuotaError says that a build is over a quota of its repository's.
type QuotaError struct{ Why string }

func (e *QuotaError) Error() string { return e.Why }

// overQuota is why no build of a repository may be queued now, or, where queued is set, started;
// empty while one may.
func (q *Queue) overQuota(tx *database.Tx, t turnRow, queued bool) (string, error) {
	if q.limit > 0 && !queued {
		if why, err := q.queueFull(tx, t); err != nil || why != "" {
			return why, err
		}
	}
	limited, err := entries.Quotas(tx, t.EntryID)
	if err != nil {
		return "", err
	}
	for _, e := range limited {
		if queued {
			e.Limits.Queue = 0    // it has its place
			e.Limits.LogBytes = 0 // summing all stored logs takes time, which a push has and a claim has not
		}
		if why, err := q.overQuotaOf(tx, e, t.RepoKey); err != nil || why != "" {
			return why, err
		}
	}
	return "", nil
}

// overQuotaOf is why an entry's limits allow no build of a repository now.
func (q *Queue) overQuotaOf(tx *database.Tx, e registry.Entry, repoKey string) (string, error) {
	use, err := usage.Of(tx.DB, e.ID, e.Limits, q.db.Now())
	if err != nil {
		return "", err
	}
	if e.Limits.Queue > 0 && use.Waiting >= e.Limits.Queue {
		if use.WaitingOwn, err = usage.Waiting(tx.DB, repoKey); err != nil {
			return "", err
		}
	}
	return e.Limits.Over(use), nil
}

// queueFull is why a repository may queue no further build while so many wait in all.
func (q *Queue) queueFull(tx *database.Tx, t turnRow) (string, error) {
	var waiting int64
	err := tx.Model(&builds.Row{}).Where("state = ?", pipeline.Queued).Count(&waiting).Error
	if err != nil || waiting < int64(q.limit) {
		return "", err
	}
	own, err := usage.Waiting(tx.DB, t.RepoKey)
	return registry.Limits{Queue: q.limit}.Over(registry.Use{Waiting: int(waiting), WaitingOwn: own}), err
}

// canceledOver is the end of a build that is over its quota; none where why is empty.
func canceledOver(why string) pipeline.Outcome {
	if why == "" {
		return pipeline.Outcome{}
	}
	return pipeline.Outcome{State: pipeline.Canceled, Cause: pipeline.CauseQuota, Summary: why}
}

// Used is what the repositories of an entry have used of its limits now.
func (q *Queue) Used(ctx context.Context, e registry.Entry) (registry.Use, error) {
	u, err := usage.Of(q.db.Read(ctx), e.ID, e.Limits, q.db.Now())
	if err != nil {
		return u, fmt.Errorf("read what %s has used: %w", e.Name, err)
	}
	return u, nil
}
