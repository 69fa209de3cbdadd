package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"vivarium/pipeline"
	"vivarium/server/loop"
	"vivarium/server/store/builds"
	"vivarium/server/store/queue/attempts"
	"vivarium/server/store/queue/deaths"
)

// Work is what Run needs.
type Work struct {
	Workers int
	// Ready waits until one more build can be worked on, or until ctx ends; nil: it can be at once.
	// Builds stay queued meanwhile. done, never nil, is called when that build has ended, or none
	// was found.
	Ready func(ctx context.Context) (done func())
	// Record begins to record an attempt, before Build.
	Record func(ctx context.Context, a attempts.Attempt) Recording
	// Build runs one attempt. An error abandons it: the build is queued again.
	// An outcome that heals queues it again, too, for as long as Patience.
	Build func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error)
	// Patience is how long a build waits for trouble outside to pass; 0 is an hour.
	Patience time.Duration
	// Probe asks once whether what ends a build for a cause (CauseClone: the git host; CauseIndex:
	// the package index) answers again. Its error is told to everybody, and so names no repository.
	// It is called by one server at a time, after growing pauses, while builds wait. nil: each
	// build tries by itself.
	Probe       func(ctx context.Context, c pipeline.Cause) error
	RepoWorkers int // builds of one repository that run at a time; 0 is no cap
	// Register adds the workers of other jobs of the database; nil: there are none.
	Register func(*river.Config)
}

// Recording records one attempt.
type Recording interface {
	pipeline.Recorder
	// Close commits what there is, and returns the first error of a commit. It is called once.
	Close() error
}

// errStopped is the cause with which running attempts are abandoned when the server stops.
var errStopped = errors.New("the server was stopped")

const (
	scanEvery   = 5 * time.Second
	cancelEvery = 500 * time.Millisecond
	// announceEvery is how soon a job of another process, such as of `vivarium builds rerun`, is
	// seen on SQLite.
	announceEvery = time.Second
)

// Run queues again what a dead server left, and works until ctx ends. On the way out running
// attempts are abandoned and queued again. ready is called once when it works. The caller has the
// database's lock.
func (q *Queue) Run(ctx context.Context, w Work, ready func()) error {
	host, _ := os.Hostname() // for people only: the random part is what tells servers apart
	q.work, q.owner = w, fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:8])
	q.attempts.Start()
	if err := deaths.Enter(ctx, q.db, q.owner); err != nil {
		return fmt.Errorf("note that this server works: %w", err)
	}
	if err := q.scan(ctx, true); err != nil {
		return fmt.Errorf("take over what an earlier server left: %w", err)
	}
	config := q.config()
	client, err := q.db.Client(config)
	if err != nil {
		return fmt.Errorf("set up the queue: %w", err)
	}
	// Neither River's context nor the loops' ends with ctx: attempts are told first why they end,
	// and while they do, the leases are kept.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	if err := client.Start(running); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	var loops sync.WaitGroup
	q.startLoops(running, &loops, slices.Collect(maps.Keys(config.Queues)))
	ready()
	<-ctx.Done()
	q.attempts.Stop(errStopped)
	err = client.StopAndCancel(running)
	stop()
	loops.Wait()
	if err != nil {
		return fmt.Errorf("stop the queue: %w", err)
	}
	if err := deaths.Leave(context.WithoutCancel(ctx), q.db, q.owner); err != nil {
		return fmt.Errorf("note that this server was stopped: %w", err)
	}
	return nil
}

// startLoops starts what goes on beside the workers, until ctx ends. queues are those that this
// process works on.
func (q *Queue) startLoops(ctx context.Context, wg *sync.WaitGroup, queues []string) {
	wg.Go(func() {
		loop.Every(ctx, scanEvery, func() { q.warn(ctx, "cannot look for lost builds", q.scan(ctx, false)) })
	})
	wg.Go(func() {
		loop.Every(ctx, cancelEvery, func() { q.warn(ctx, "cannot look for canceled builds", q.cancelAsked(ctx)) })
	})
	wg.Go(func() {
		loop.Every(ctx, announceEvery, func() {
			q.warn(ctx, "cannot look for jobs of other processes", q.db.Announce(ctx, queues...))
		})
	})
	wg.Go(func() { q.prober(ctx) })
	if !q.db.Exclusive() {
		wg.Go(func() { q.renew(ctx) })
	}
}

func (q *Queue) warn(ctx context.Context, message string, err error) {
	if err != nil && ctx.Err() == nil {
		q.log.WarnContext(ctx, message, "err", err)
	}
}

// rescueAfter is after how long River takes a job's worker for dead. Tickets have no time-out, and
// so are never rescued; of other jobs it is their time-out that counts.
const rescueAfter = 2 * time.Minute

func (q *Queue) config() *river.Config {
	c := &river.Config{
		Queues: map[string]river.QueueConfig{buildQueue: {MaxWorkers: q.work.Workers}},
		// What a job of ours leaves behind is of no use to anybody once it is done.
		CompletedJobRetentionPeriod: time.Hour,
		CancelledJobRetentionPeriod: time.Hour,
		RescueStuckJobsAfter:        rescueAfter,
		Workers:                     river.NewWorkers(),
	}
	river.AddWorker(c.Workers, &buildWorker{Queue: q})
	if q.work.Register != nil {
		q.work.Register(c)
	}
	return c
}

// cancelAsked ends the running attempts that another process asked to cancel.
func (q *Queue) cancelAsked(ctx context.Context) error {
	if len(q.attempts.Running()) == 0 {
		return nil
	}
	var ids []int64
	err := q.db.Read(ctx).Model(&builds.Row{}).
		Where("state = ? AND cancel_requested AND owner = ?", pipeline.Running, q.owner).Pluck("id", &ids).Error
	for _, id := range ids {
		q.attempts.Cancel(id, pipeline.ErrCanceled)
	}
	return err
}
