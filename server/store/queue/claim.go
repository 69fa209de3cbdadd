package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

const (
	leaseTime  = 10 * time.Second // PostgreSQL: a server that did not renew for so long is dead
	leaseRenew = 3 * time.Second
)

// claim begins an attempt at the build whose turn it is, for a job. ok is false when there is none.
// Builds that have come over their quota since they were pushed are ended on the way.
func (q *Queue) claim(ctx context.Context, job int64, owner string) (b builds.Row, ok bool, err error) {
	for {
		var found bool
		err := q.db.Transact(ctx, func(tx *database.Tx) (err error) {
			found, b, err = q.claimNext(ctx, tx, job, owner)
			return err
		})
		switch {
		case err != nil:
			return builds.Row{}, false, fmt.Errorf("claim a build: %w", err)
		case b.State == pipeline.Running:
			return b, true, nil
		case !found:
			return builds.Row{}, false, nil
		case b.State.Ended():
			q.ended(ctx, b)
		}
	}
}

// claimNext takes the next build, if found. b then runs, or has ended over its quota, or is empty
// where another worker was faster.
func (q *Queue) claimNext(
	ctx context.Context, tx *database.Tx, job int64, owner string,
) (found bool, b builds.Row, err error) {
	next, err := q.nextBuild(tx, owner)
	if err != nil || next.ID == 0 {
		return false, b, err
	}
	why, err := q.overQuota(tx, next.turn, true)
	if err != nil {
		return true, b, err
	}
	if why != "" {
		b, err = q.refuse(ctx, tx, next.ID, why)
		return true, b, err
	}
	ok, err := q.begin(tx, next, job, owner, &b)
	if err != nil || !ok {
		return true, builds.Row{}, err
	}
	if err := q.tellBegun(ctx, tx, &b); err != nil { // before the turn: a push takes the rows in this order
		return true, builds.Row{}, err
	}
	return true, b, q.served(tx, b.Repo)
}

// refuse ends a build that is over its quota, unless another worker was faster.
func (q *Queue) refuse(ctx context.Context, tx *database.Tx, id int64, why string) (b builds.Row, err error) {
	if err := tx.Take(&b, id).Error; err != nil {
		return b, err
	}
	if err := q.endQueued(ctx, tx, &b, canceledOver(why)); !errors.Is(err, builds.ErrLost) {
		return b, err
	}
	return builds.Row{}, nil
}

// begin moves a build from queued to running, unless another worker was faster: even one whose
// attempt has ended since, and after which the build waits.
func (q *Queue) begin(tx *database.Tx, next candidate, job int64, owner string, b *builds.Row) (bool, error) {
	r := tx.Exec(`UPDATE builds SET state = ?, attempt = attempt + 1, job_id = ?, owner = ?,
			started_at = ?, lease_until = `+q.db.Clock()+` + ?, turn_served = ?, wait_cause = ''
		WHERE id = ? AND attempt = ? AND state = ? AND (approved OR NOT fork)`,
		pipeline.Running, job, owner, database.Micros(q.db.Now()), leaseTime.Microseconds(), next.turn.Served,
		next.ID, next.Attempt, pipeline.Queued)
	if r.Error != nil || r.RowsAffected == 0 {
		return false, r.Error
	}
	return true, tx.Take(b, next.ID).Error
}
