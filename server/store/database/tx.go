package database

import (
	"context"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
	"gorm.io/gorm"
)

// Tx is one transaction: GORM's view of it, and River's.
type Tx struct {
	*gorm.DB
	Jobs Jobs

	db *DB
}

// Now is DB.Now.
func (tx *Tx) Now() time.Time { return tx.db.Now() }

// Clock is DB.Clock.
func (tx *Tx) Clock() string { return tx.db.Clock() }

// JobNumber is the SQL for a number among the arguments of a job, over the rows of river_job. name must be a constant.
func (tx *Tx) JobNumber(name string) string { return tx.db.engine.dialect().jobNumber(name) }

// JobErrors is the SQL for the errors of a job as text, over the rows of river_job.
func (tx *Tx) JobErrors() string { return tx.db.engine.dialect().jobErrors }

// Alone keeps others who call it with the same key from going on until the transaction ends. What
// they did before is seen after it.
func (tx *Tx) Alone(key int64) error { return tx.db.engine.alone(tx, key) }

// Jobs is what River does in the same transaction.
type Jobs interface {
	// Insert puts jobs into the queue.
	Insert(ctx context.Context, jobs ...river.InsertManyParams) error
	// Complete ends the job that ctx belongs to.
	Complete(ctx context.Context, job *rivertype.JobRow) error
	// Abandon ends jobs whose worker is dead. Those that do not run are left alone.
	Abandon(ctx context.Context, ids []int64) error
}

// jobsIn is Jobs over one driver.
type jobsIn[D riverdriver.Driver[T], T any] struct {
	client *river.Client[T] // inserts only
	tx     T
	now    func() time.Time
	queues *[]string // gets those that jobs are put into
}

func (j jobsIn[D, T]) Insert(ctx context.Context, jobs ...river.InsertManyParams) error {
	if len(jobs) == 0 {
		return nil
	}
	for _, job := range jobs {
		if !slices.Contains(*j.queues, job.InsertOpts.Queue) {
			*j.queues = append(*j.queues, job.InsertOpts.Queue)
		}
	}
	_, err := j.client.InsertManyFastTx(ctx, j.tx, jobs)
	return err
}

func (j jobsIn[D, T]) Complete(ctx context.Context, job *rivertype.JobRow) error {
	_, err := river.JobCompleteTx[D](ctx, j.tx, &river.Job[anyArgs]{JobRow: job})
	return err
}

// anyArgs stand for the arguments of any job, where they do not matter.
type anyArgs struct{}

func (anyArgs) Kind() string { return "any" }

func (j jobsIn[D, T]) Abandon(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	p := riverdriver.JobSetStateIfRunningManyParams{
		ID:              ids,
		Attempt:         make([]*int, len(ids)),
		ErrData:         make([][]byte, len(ids)),
		MetadataDoMerge: make([]bool, len(ids)),
		MetadataUpdates: make([][]byte, len(ids)),
		ScheduledAt:     nil,
	}
	now := j.now()
	for _, id := range ids {
		s := riverdriver.JobSetStateCancelled(id, now, nil, nil)
		p.FinalizedAt = append(p.FinalizedAt, s.FinalizedAt)
		p.ScheduledAt = append(p.ScheduledAt, nil)
		p.State = append(p.State, s.State)
	}
	_, err := j.client.Driver().UnwrapExecutor(j.tx).JobSetStateIfRunningMany(ctx, &p)
	return err
}
