package store

import (
	"context"
	"fmt"

	"vivarium/server/registry"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
)

func (r repositoryRow) limits() registry.Limits {
	return registry.Limits{Running: r.RunningLimit, Each: r.EachLimit, Minutes: r.MinutesLimit, LogBytes: r.LogLimit, Queue: r.QueueLimit}
}

func (r *repositoryRow) setLimits(l registry.Limits) {
	r.RunningLimit, r.EachLimit = l.Running, l.Each
	r.MinutesLimit, r.LogLimit, r.QueueLimit = l.Minutes, l.LogBytes, l.Queue
}

// Limit changes what an entry's repositories may use. A repository that a pattern lets in and that was never seen is written
// down for it.
func (s *Store) Limit(ctx context.Context, by people.Actor, name string, change func(*registry.Limits)) (registry.Entry, error) {
	var row repositoryRow
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		if err := takeOrSee(tx, name, &row); err != nil {
			return err
		}
		l := row.limits()
		change(&l)
		row.setLimits(l)
		if err := tx.Save(&row).Error; err != nil {
			return err
		}
		return people.AddChange(tx, by, "limited to "+l.String()+":", row.Name)
	})
	if err != nil {
		return registry.Entry{}, fmt.Errorf("limit %s: %w", name, err)
	}
	return row.entry(), nil
}
