package queue

import (
	"context"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// Desk is for the rooms that have builds queued in transactions of their own: each of its acts is a
// part of one. Who asks takes a repository's entry first, then its builds, and its turn last, as a
// push does.
type Desk struct{ q *Queue }

// Desk is the queue's.
func (q *Queue) Desk() Desk { return Desk{q} }

// Over is why no build of b's repository may be queued now; empty while one may.
func (d Desk) Over(tx *database.Tx, b builds.Row) (string, error) {
	return d.q.overQuota(tx, turnOf(b), false)
}

// Add makes a build for a delivery, which has none yet. It has ended where over says why.
func (d Desk) Add(ctx context.Context, tx *database.Tx, p Push, b *builds.Row, over string) error {
	jobs, err := d.q.addBuild(tx, b, canceledOver(over))
	if err != nil {
		return err
	}
	if err := d.q.noteDelivery(tx, p, b.ID); err != nil {
		return err
	}
	if b.State == pipeline.Queued {
		if err := d.q.line(tx, turnOf(*b)); err != nil {
			return err
		}
	}
	return tx.Jobs.Insert(ctx, jobs...)
}

// Again answers a delivery that is known, as AcceptPush does.
func (d Desk) Again(ctx context.Context, tx *database.Tx, p Push) (a Accepted, known bool, err error) {
	seen, err := seenBefore(tx, p)
	if err != nil || len(seen) == 0 {
		return Accepted{}, false, err
	}
	a, jobs, known, err := d.q.enqueueAgain(tx, p, seen[0])
	if err != nil || len(jobs) == 0 {
		return a, known, err
	}
	if err := d.q.line(tx, a.turn); err != nil {
		return Accepted{}, false, err
	}
	return a, known, tx.Jobs.Insert(ctx, jobs...)
}

// Line lets b, whose state has just become queued, wait for its turn.
func (d Desk) Line(ctx context.Context, tx *database.Tx, b builds.Row) error {
	status, err := d.q.addStatus(tx, b)
	if err != nil {
		return err
	}
	if err := d.q.line(tx, turnOf(b)); err != nil {
		return err
	}
	return tx.Jobs.Insert(ctx, ticket(0), status)
}

// End ends a build that waits, since nobody wants it any more; builds.ErrLost where it waits no
// longer. Ended is told of it after the transaction.
func (d Desk) End(ctx context.Context, tx *database.Tx, b *builds.Row, why string) error {
	o := canceled
	o.Summary = why
	return d.q.endQueued(ctx, tx, b, o)
}

// Ended tells of builds that End ended.
func (d Desk) Ended(ctx context.Context, ended ...builds.Row) {
	for _, b := range ended {
		d.q.ended(ctx, b)
	}
}

// Wake tells those who follow a build that it has changed.
func (d Desk) Wake(build int64) { d.q.logs.Wake(build) }
