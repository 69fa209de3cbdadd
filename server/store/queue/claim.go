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
		var next int64
		err := q.db.Transact(ctx, func(tx *database.Tx) (err error) {
			next, b, err = q.claimNext(ctx, tx, job, owner)
			return err
		})
		switch {
		case err != nil:
			return builds.Row{}, false, fmt.Errorf("claim a build: %w", err)
		case b.State == pipeline.Running:
			return b, true, nil
		case next == 0:
			return builds.Row{}, false, nil
		case b.State.Ended():
			q.ended(ctx, b)
		}
	}
}

// claimNext takes the next build, whose id is next; 0: there is none. b then runs, or has ended
// over its quota, or is empty where another server was faster.
func (q *Queue) claimNext(
	ctx context.Context, tx *database.Tx, job int64, owner string,
) (next int64, b builds.Row, err error) {
	next, turn, err := q.nextBuild(tx, owner)
	if err != nil || next == 0 {
		return next, b, err
	}
	why, err := q.overQuota(tx, turn, true)
	if err != nil {
		return next, b, err
	}
	if why != "" {
		return q.refuse(ctx, tx, next, why)
	}
	ok, err := q.begin(tx, next, job, owner, turn, &b)
	if err != nil || !ok {
		return next, builds.Row{}, err
	}
	if err := q.tellBegun(ctx, tx, &b); err != nil { // before the turn: a push takes the rows in this order
		return next, builds.Row{}, err
	}
	return next, b, q.served(tx, b.Repo)
}

// refuse ends a build that is over its quota, unless another server was faster.
func (q *Queue) refuse(
	ctx context.Context, tx *database.Tx, id int64, why string,
) (next int64, b builds.Row, err error) {
	if err := tx.Take(&b, id).Error; err != nil {
		return id, b, err
	}
	if err := q.endQueued(ctx, tx, &b, overQuota(why)); !errors.Is(err, builds.ErrLost) {
		return id, b, err
	}
	return id, builds.Row{}, nil
}

// begin moves a build from queued to running, unless another server was faster.
func (q *Queue) begin(tx *database.Tx, id, job int64, owner string, turn turnRow, b *builds.Row) (bool, error) {
	r := tx.Exec(`UPDATE builds SET state = ?, attempt = attempt + 1, job_id = ?, owner = ?,
			started_at = ?, lease_until = `+q.db.Clock()+` + ?, turn_served = ?, wait_cause = ''
		WHERE id = ? AND state = ?`,
		pipeline.Running, job, owner, database.Micros(q.db.Now()), leaseTime.Microseconds(), turn.Served,
		id, pipeline.Queued)
	if r.Error != nil || r.RowsAffected == 0 {
		return false, r.Error
	}
	return true, tx.Take(b, id).Error
}
