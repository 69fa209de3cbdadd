package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/outbox"
)

// Work is what Serve needs.
type Work struct {
	Workers int
	// Ready waits until one more build can be worked on, or until ctx ends; nil: it can be at once. Builds stay queued
	// meanwhile. done, never nil, is called when that build has ended, or none was found.
	Ready func(ctx context.Context) (done func())
	// Build runs one attempt. An error abandons it: the build is queued again.
	// An outcome that heals queues it again, too, for as long as Patience.
	Build func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error)
	// Patience is how long a build waits for trouble outside to pass; 0 is an hour.
	Patience time.Duration
	// Probe asks once whether what ends a build for a cause (CauseClone: the git host; CauseIndex: the package index) answers
	// again. Its error is told to everybody, and so names no repository. It is called by one server at a time, after growing
	// pauses, while builds wait. nil: each build tries by itself.
	Probe func(ctx context.Context, c pipeline.Cause) error
	// Poster sends statuses; nil: none are sent. The rows stay unsent and are not tried; a server that has a
	// Poster later sends those of them that are still the newest of their commit.
	Poster Poster
	// Credential names what Poster would authenticate with now, without giving it away: a new name has what was refused tried
	// again at once. It is asked every second. nil: it never changes.
	Credential    func() string
	StatusContext string
	TargetURL     func(build int64) string // empty string: none
	LogLimit      int64                    // bytes stored per attempt; 0 is 64 MiB
	Secrets       func() []string          // masked in logs; asked for each attempt, since they may change; nil: none
	RepoWorkers   int                      // builds of one repository that run at a time; 0 is no cap
	// KeepAuthors is how long after its end a build keeps its author's name; 0 is for good.
	KeepAuthors time.Duration

	pace outbox.Pace // of the outbox; zero is the usual one
}

// errStopped is the cause with which running attempts are abandoned when the server stops.
var errStopped = errors.New("the server was stopped")

// server is a Store that serves.
type server struct {
	*Store
	work  Work
	owner string        // this server, in the rows that it works on
	gate  outbox.Gate   // to the git host
	look  chan struct{} // tells the prober that there may be something to look at
}

const (
	scanEvery   = 5 * time.Second
	cancelEvery = 500 * time.Millisecond
	// announceEvery is how soon a job of another process, such as of `vivarium builds rerun`, is seen on SQLite.
	announceEvery = time.Second
	// compactEvery is for the logs of builds that other processes ended, and for those that could not be compacted before.
	compactEvery = time.Minute
	// statusWorkers post at once. They wait for GitHub nearly all of the time.
	statusWorkers = 4
)

// Serve takes the lock (SQLite), requeues what a dead server left, and works until ctx ends.
// On the way out running attempts are abandoned and queued again. ready is called once when it works.
func (s *Store) Serve(ctx context.Context, w Work, ready func()) (err error) {
	if w.Workers < 1 || w.Build == nil {
		return errors.New("serve: it needs at least one worker and something to build with")
	}
	s.repoWorkers, s.told = w.RepoWorkers, w
	release, err := s.db.Lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	host, _ := os.Hostname() // for people only: the random part is what tells servers apart
	v := &server{Store: s, work: w, look: make(chan struct{}, 1), owner: fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:8])}
	s.attempts.start()
	credential := v.credential()
	if err := v.enter(ctx); err != nil {
		return fmt.Errorf("note that this server works: %w", err)
	}
	if err := errors.Join(v.startStatuses(ctx), v.scan(ctx, true)); err != nil {
		return fmt.Errorf("take over what an earlier server left: %w", err)
	}
	client, err := v.client()
	if err != nil {
		return fmt.Errorf("set up the queue: %w", err)
	}
	// Neither River's context nor the others' end with ctx: attempts are told first why they end, and while
	// they do, the leases are kept.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	if err := client.Start(running); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	var background sync.WaitGroup
	v.background(running, &background)
	if w.Poster != nil && w.Credential != nil {
		background.Go(func() { v.followCredential(running, credential) })
	}
	ready()
	<-ctx.Done()
	s.attempts.stop(errStopped)
	err = client.StopAndCancel(running)
	stop()
	background.Wait()
	if err != nil {
		return fmt.Errorf("stop the queue: %w", err)
	}
	if err := v.leave(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("note that this server was stopped: %w", err)
	}
	return nil
}

// background starts what goes on beside the queue, until ctx ends.
func (v *server) background(ctx context.Context, wg *sync.WaitGroup) {
	wg.Go(func() {
		every(ctx, scanEvery, func() { v.warn(ctx, "cannot look for lost builds", v.scan(ctx, false)) })
	})
	wg.Go(func() {
		every(ctx, cancelEvery, func() { v.warn(ctx, "cannot look for canceled builds", v.cancelAsked(ctx)) })
	})
	wg.Go(func() {
		every(ctx, announceEvery, func() {
			v.warn(ctx, "cannot look for jobs of other processes", v.db.Announce(ctx, buildQueue, statusQueue))
		})
	})
	wg.Go(func() { v.compactor(ctx) })
	wg.Go(func() { v.prober(ctx) })
	wg.Go(func() {
		drop := func() { v.warn(ctx, "cannot drop author names", v.dropAuthors(ctx, v.work.KeepAuthors)) }
		drop()
		every(ctx, authorsEvery, drop)
	})
	if !v.db.Exclusive() {
		wg.Go(func() { v.renew(ctx) })
	}
}

func every(ctx context.Context, d time.Duration, f func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f()
		}
	}
}

func (v *server) warn(ctx context.Context, message string, err error) {
	if err != nil && ctx.Err() == nil {
		v.log.WarnContext(ctx, message, "err", err)
	}
}

func (v *server) client() (database.Client, error) {
	c := &river.Config{
		Queues: map[string]river.QueueConfig{buildQueue: {MaxWorkers: v.work.Workers}},
		// What a job of ours leaves behind is of no use to anybody once it is done.
		CompletedJobRetentionPeriod: time.Hour,
		CancelledJobRetentionPeriod: time.Hour,
		// A sender is dead by then. Tickets have no time-out, and so are never rescued by River.
		RescueStuckJobsAfter: claimTime,
		Workers:              river.NewWorkers(),
	}
	river.AddWorker(c.Workers, &buildWorker{server: v})
	// Who sends nothing knows the kind too: River's leader drops the dead senders' jobs of a kind that it does not know.
	river.AddWorker(c.Workers, &sender{server: v})
	if v.work.Poster != nil {
		c.Queues[statusQueue] = river.QueueConfig{MaxWorkers: statusWorkers}
	}
	return v.db.Client(c)
}

// cancelAsked ends the running attempts that another process asked to cancel.
func (v *server) cancelAsked(ctx context.Context) error {
	if len(v.attempts.running()) == 0 {
		return nil
	}
	var ids []int64
	err := v.db.Read(ctx).Model(&builds.Row{}).
		Where("state = ? AND cancel_requested AND owner = ?", pipeline.Running, v.owner).Pluck("id", &ids).Error
	for _, id := range ids {
		v.attempts.cancel(id, pipeline.ErrCanceled)
	}
	return err
}

// compactor compresses the logs of builds that ended, one after the other.
func (v *server) compactor(ctx context.Context) {
	tick := time.NewTicker(compactEvery)
	defer tick.Stop()
	for {
		v.compactAll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-v.finished:
		case <-tick.C:
		}
	}
}

// compactAll leaves a log that cannot be compacted to the next round: those after it do not wait for it.
func (v *server) compactAll(ctx context.Context) {
	for build := int64(0); ctx.Err() == nil; {
		next, err := v.compactNext(ctx, build)
		v.warn(ctx, "cannot compact a log", err)
		if next == 0 {
			return
		}
		build = next
	}
}
