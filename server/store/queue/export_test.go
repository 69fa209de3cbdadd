package queue

import (
	"context"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/queue/deaths"
	"vivarium/server/store/queue/intake"
	"vivarium/server/verdict"
)

// What the tests beside it need of the queue's inside. They work with a whole store, which imports
// this package, and so are not of it.

type (
	Loss       = loss
	QueuedRepo = queuedRepo
	TurnRow    = turnRow
)

const (
	AcceptTries = acceptTries
	OthersQuery = othersQuery
)

var (
	PlaceOf    = placeOf
	AnySuspect = anySuspect
	TicketKind = buildArgs{}.Kind()
)

// BecomeServer has the queue work as another server from now on.
func (q *Queue) BecomeServer(owner string) { q.owner = owner }

// Tell tells the queue what Run would be told.
func (q *Queue) Tell(w Work) { q.work = w }

func (q *Queue) LimitTo(n int) { q.limit = n }

func (q *Queue) Supersede(how verdict.Supersede) { q.overtaker.How = how }

// Overtake ends what the newest push of a build's branch makes pointless.
func (q *Queue) Overtake(tx *database.Tx, b builds.Row) error {
	_, err := q.overtaker.Push(tx, b)
	return err
}

func (q *Queue) PutDefaultBranchFirst(on bool) { q.defaultBranchFirst = on }

// Claim claims a build, as a worker of owner's.
func (q *Queue) Claim(ctx context.Context, job int64, owner string) (builds.Row, bool, error) {
	return q.claim(ctx, job, owner)
}

func (q *Queue) ClaimNow(ctx context.Context) (builds.Row, bool, error) {
	return q.claim(ctx, 0, q.owner)
}

func (q *Queue) Finish(ctx context.Context, b builds.Row, o pipeline.Outcome) error {
	return q.finish(ctx, b, o, nil)
}

func (q *Queue) Requeue(ctx context.Context, tx *database.Tx, b *builds.Row, l Loss) error {
	return q.requeue(ctx, tx, b, l)
}

func (q *Queue) GiveBack(ctx context.Context, b builds.Row, l Loss) error {
	return (&buildWorker{Queue: q}).giveBack(ctx, b, l, nil)
}

// Abandon ends an attempt that ended with an error, while the database takes what is written.
func (q *Queue) Abandon(ctx context.Context, b builds.Row, err error) error {
	return (&buildWorker{Queue: q}).settleOnce(ctx, nil, b, pipeline.Outcome{}, err, true, nil)
}

func (q *Queue) Enter(ctx context.Context) error { return deaths.Enter(ctx, q.db, q.owner) }

func (q *Queue) RequeueLost(ctx context.Context, boot bool) error { return q.requeueLost(ctx, boot) }

func (q *Queue) Scan(ctx context.Context, boot bool) error { return q.scan(ctx, boot) }

func (q *Queue) Heal(ctx context.Context, c pipeline.Cause) error { return q.heal(ctx, c) }

func (q *Queue) GoOn(tx *database.Tx, c pipeline.Cause) error { return q.goOn(tx, c) }

func (q *Queue) GoOnUnheld(ctx context.Context) error { return q.goOnUnheld(ctx) }

func (q *Queue) EndImpatient(ctx context.Context) error { return q.endImpatient(ctx) }

// AcceptTogether accepts pushes in one transaction, and gives the key of each one's repository.
func (q *Queue) AcceptTogether(ctx context.Context, pushes []Push) ([]string, error) {
	all, err := q.enqueueTogether(ctx, pushes)
	keys := make([]string, len(all))
	for i, a := range all {
		keys[i] = a.turn.RepoKey
	}
	return keys, err
}

// AcceptBatch accepts pushes that come while another one is being worked on.
func (q *Queue) AcceptBatch(ctx context.Context, pushes ...Push) ([]Accepted, []error) {
	before := q.intake.Join(Push{}).Batch()
	places := make([]*intake.Place[Push, Accepted], len(pushes))
	for i, p := range pushes {
		places[i] = q.intake.Join(p)
	}
	before.End()
	q.enqueueAll(ctx, places[0].Batch())
	all, errs := make([]Accepted, len(pushes)), make([]error, len(pushes))
	for i, place := range places {
		all[i], errs[i] = place.Result()
	}
	return all, errs
}

// AcceptIn accepts a push within a transaction, but for its job.
func (q *Queue) AcceptIn(tx *database.Tx, p Push) (build int64, err error) {
	a, _, err := q.enqueue(tx, p)
	if err != nil {
		return 0, err
	}
	return a.BuildID, q.line(tx, a.turn)
}
