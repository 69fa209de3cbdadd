package queue

import (
	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/database"
	"vivarium/server/store/entries"
)

// claimLock is the key of the claims' lock, an arbitrary constant of ours that no other lock of
// this database has.
const claimLock = 0x7669766173

// full are the repositories and entries that may start no further build now. While there is a cap,
// claims are made one at a time, also by several servers: otherwise two would see the same last
// place free.
func (q *Queue) full(tx *database.Tx) (registry.Full, error) {
	caps, err := entries.Capped(tx)
	if err != nil || q.work.RepoWorkers == 0 && len(caps) == 0 {
		return registry.Full{}, err
	}
	if err := tx.Alone(claimLock); err != nil {
		return registry.Full{}, err
	}
	running, err := runningNow(tx)
	return registry.FullNow(running, q.work.RepoWorkers, caps), err
}

// runningRow is a build that runs, with its repository's entry in the registry and the entry that
// let that in.
type runningRow struct {
	Repo     string
	EntryID  int64
	ParentID int64
}

// runningNow lists what runs. There are no more builds than workers.
func runningNow(tx *database.Tx) ([]registry.Running, error) {
	var rows []runningRow
	err := tx.Raw(`SELECT lower(b.repo) AS repo, b.entry_id, coalesce(r.parent_id, 0) AS parent_id
			FROM builds b LEFT JOIN repositories r ON r.id = b.entry_id WHERE b.state = ?`, pipeline.Running).
		Scan(&rows).Error
	running := make([]registry.Running, len(rows))
	for i, r := range rows {
		running[i] = registry.Running{Repo: r.Repo, Entries: entriesOf(r.EntryID, r.ParentID)}
	}
	return running, err
}

// entriesOf are the entries of the registry that a build counts for.
func entriesOf(own, parent int64) (ids []int64) {
	for _, id := range []int64{own, parent} {
		if id != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}
