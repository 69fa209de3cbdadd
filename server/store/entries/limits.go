package entries

import (
	"context"
	"fmt"

	"vivarium/server/registry"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
)

func (r row) limits() registry.Limits {
	return registry.Limits{
		Running:  r.RunningLimit,
		Each:     r.EachLimit,
		Minutes:  r.MinutesLimit,
		LogBytes: r.LogLimit,
		Queue:    r.QueueLimit,
	}
}

func (r *row) setLimits(l registry.Limits) {
	r.RunningLimit, r.EachLimit = l.Running, l.Each
	r.MinutesLimit, r.LogLimit, r.QueueLimit = l.Minutes, l.LogBytes, l.Queue
}

// Limit changes what an entry's repositories may use. A repository that a pattern lets in and that
// was never seen gets an entry for it.
func (e *Entries) Limit(
	ctx context.Context, by people.Actor, name string, change func(*registry.Limits),
) (registry.Entry, error) {
	var r row
	err := e.db.Transact(ctx, func(tx *database.Tx) error {
		if err := takeOrMake(tx, name, &r); err != nil {
			return err
		}
		l := r.limits()
		change(&l)
		r.setLimits(l)
		if err := tx.Save(&r).Error; err != nil {
			return err
		}
		return people.AddChange(tx, by, "limited to "+l.String()+":", r.Name)
	})
	if err != nil {
		return registry.Entry{}, fmt.Errorf("limit %s: %w", name, err)
	}
	return r.entry(), nil
}

// Capped are the limits of the entries that have a cap of running builds, by the entries' ids.
func Capped(tx *database.Tx) (map[int64]registry.Limits, error) {
	var rows []row
	if err := tx.Where("running_limit > 0 OR each_limit > 0").Find(&rows).Error; err != nil {
		return nil, err
	}
	caps := make(map[int64]registry.Limits, len(rows))
	for _, r := range rows {
		caps[r.ID] = r.limits()
	}
	return caps, nil
}

// Quotas are, of an entry and the one that lets it in, those that have a quota.
func Quotas(tx *database.Tx, entry int64) ([]registry.Entry, error) {
	var rows []row
	err := tx.Where("id = ? OR id = (SELECT parent_id FROM repositories WHERE id = ?)", entry, entry).
		Where("minutes_limit > 0 OR log_limit > 0 OR queue_limit > 0").Order("id").Find(&rows).Error
	list := make([]registry.Entry, len(rows))
	for i, r := range rows {
		list[i] = r.entry()
	}
	return list, err
}
