package queue

import (
	"context"
	"errors"
	"fmt"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// Find looks for a build to be made; nil: there is none. One that is not to be built has ended as skip
// says.
type Find func(*database.Tx) (b *builds.Row, skip pipeline.Outcome, err error)

// Enqueue queues the build that find decides on, in the same transaction; none where it gives nil.
// What find looks at is not changed by a push meanwhile where it holds the repository's entry
// (entries.Hold). A build that is over its repository's quota has ended at once.
func (q *Queue) Enqueue(ctx context.Context, find Find) (a Accepted, err error) {
	err = database.TryAgain(acceptTries, database.IsDeadlock, func() error {
		return q.db.Transact(ctx, func(tx *database.Tx) error {
			a = Accepted{}
			b, ended, err := find(tx)
			if err != nil || b == nil {
				return err
			}
			if a.Unwanted = ended.Summary; ended.Cause == "" {
				if a.OverQuota, err = q.overQuota(tx, turnOf(*b), false); err != nil {
					return err
				}
				ended = canceledOver(a.OverQuota)
			}
			jobs, err := q.addBuild(tx, b, ended)
			if err != nil {
				return err
			}
			if a.over, err = q.overtaker.Push(tx, *b); err != nil {
				return err
			}
			a.BuildID, a.Superseded, a.turn = b.ID, a.over.Has(b.ID), turnOf(*b)
			return errors.Join(q.line(tx, turnsOf([]Accepted{a})...), tx.Jobs.Insert(ctx, jobs...))
		})
	})
	if err != nil {
		return Accepted{}, fmt.Errorf("queue a build: %w", err)
	}
	q.tellOver(ctx, a.over)
	if a.BuildID != 0 && !a.Superseded {
		q.logs.Wake(a.BuildID)
	}
	return a, nil
}
