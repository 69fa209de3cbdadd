package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
	"vivarium/server/checkrun"
	"vivarium/server/loop"
	"vivarium/server/store/buildlog"
	"vivarium/server/store/notices"
	"vivarium/server/store/outbox"
	"vivarium/server/store/outbox/budget"
	"vivarium/server/store/queue"
	"vivarium/server/store/queue/attempts"
)

// Work is what Serve needs.
type Work struct {
	Workers int
	// Ready waits until one more build can be worked on, or until ctx ends; nil: it can be at once.
	// Builds stay queued meanwhile. done, never nil, is called when that build has ended, or none
	// was found.
	Ready func(ctx context.Context) (done func())
	// Build runs one attempt. An error abandons it: the build is queued again.
	// An outcome that heals queues it again, too, for as long as Patience.
	Build func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error)
	// Patience is how long a build waits for trouble outside to pass; 0 is an hour.
	Patience time.Duration
	// Probe asks once whether what ends a build for a cause (CauseClone: the git host; CauseIndex:
	// the package index) answers again. Its error is told to everybody, and so names no repository.
	// It is called by one server at a time, after growing pauses, while builds wait. nil: each
	// build tries by itself.
	Probe func(ctx context.Context, c pipeline.Cause) error
	// Reporter sends statuses; nil: none are sent. The rows stay unsent and are not tried; a server
	// that has a Reporter later sends those of them that are still the newest of their commit.
	Reporter outbox.Reporter
	// Checker makes check runs; nil: those that are due wait.
	Checker outbox.Checker
	// Credential names what Reporter would authenticate with now, without giving it away: a new name
	// has what was refused tried again at once. It is asked every second. nil: it never changes.
	Credential func() string
	// CredentialFor names it for one repository, where they differ; nil: Credential, for all.
	CredentialFor func(repo string) string
	StatusContext string
	TargetURL     func(build int64) string // empty string: none
	LogLimit      int64                    // bytes stored per attempt; 0 is 64 MiB
	Secrets       func() []string          // masked in logs; asked for each attempt, since they may change; nil: none
	RepoWorkers   int                      // builds of one repository that run at a time; 0 is no cap
	// Pace is how long the outbox waits; zero is outbox.UsualPace.
	Pace outbox.Pace
	// Budget bounds what is sent to the git host; zero: nothing does.
	Budget budget.Limits
	// Account is outbox.Settings.Account.
	Account func(repo string) string
	// Messenger brings what Options.Notify are told; nil: nothing is brought.
	Messenger notices.Sender
	// KeepAuthors is how long after its end a build keeps its author's name; 0 is for good.
	KeepAuthors time.Duration
}

// server is a Store that serves.
type server struct {
	*Store
	work   Work
	sender *outbox.Sender
}

const (
	// resumeEvery is how soon a status is seen that nobody sends any more.
	resumeEvery = 5 * time.Second
	// noticesEvery is how soon people are told.
	noticesEvery = 2 * time.Second
	// authorsEvery is how often names are looked for that have had their time.
	authorsEvery = time.Hour
)

// Serve takes the lock (SQLite), requeues what a dead server left, and works until ctx ends. On the
// way out running attempts are abandoned and queued again. ready is called once when it works.
func (s *Store) Serve(ctx context.Context, w Work, ready func()) (err error) {
	if w.Workers < 1 || w.Build == nil {
		return errors.New("serve: it needs at least one worker and something to build with")
	}
	release, err := s.db.Lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	v := &server{Store: s, work: w, sender: s.newSender(w)}
	if err := errors.Join(v.sender.Start(ctx), v.sender.Resume(ctx, true)); err != nil {
		return fmt.Errorf("take over the statuses that an earlier server left: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx)) // for as long as the queue works
	var loops sync.WaitGroup
	defer loops.Wait()
	defer stop()
	v.startLoops(running, &loops)
	return s.Queue.Run(ctx, v.queueWork(), ready)
}

// queueWork is what the queue needs of the work.
func (v *server) queueWork() queue.Work {
	w := v.work
	secrets := w.Secrets
	if secrets == nil {
		secrets = func() []string { return nil }
	}
	return queue.Work{
		Workers: w.Workers,
		Ready:   w.Ready,
		Record: func(ctx context.Context, a attempts.Attempt) queue.Recording {
			return v.Logs.Record(ctx, buildlog.Attempt(a), w.LogLimit, secrets())
		},
		Build:       w.Build,
		Patience:    w.Patience,
		Probe:       w.Probe,
		RepoWorkers: w.RepoWorkers,
		Register:    v.sender.Register,
	}
}

// newSender makes what sends the outbox.
func (s *Store) newSender(w Work) *outbox.Sender {
	return s.Outbox.NewSender(outbox.Settings{
		Log:           s.log,
		Reporter:      w.Reporter,
		Checker:       w.Checker,
		CheckOf:       s.checkOf,
		Credential:    w.Credential,
		CredentialFor: w.CredentialFor,
		StatusContext: w.StatusContext,
		TargetURL:     w.TargetURL,
		Pace:          w.Pace,
		Budget:        w.Budget,
		Account:       w.Account,
		Wake:          s.Logs.Wake,
	})
}

// mostToldTests is how many red tests a check run is told of; the first of them are named in it.
const mostToldTests = 200

// checkOf says what a check run tells of a build as it is now.
func (s *Store) checkOf(ctx context.Context, build int64) (checkrun.Run, error) {
	b, err := s.Builds.Get(ctx, build)
	if err != nil {
		return checkrun.Run{}, err
	}
	red, err := s.Tests.Failing(ctx, build, mostToldTests)
	if err != nil {
		return checkrun.Run{}, err
	}
	failing := make([]results.Test, len(red))
	for i, r := range red {
		failing[i] = r.Test
	}
	return checkrun.Of(b, failing), nil
}

// startLoops starts what goes on beside the queue, until ctx ends.
func (v *server) startLoops(ctx context.Context, wg *sync.WaitGroup) {
	wg.Go(func() {
		loop.Every(ctx, resumeEvery, func() {
			v.warn(ctx, "cannot look for statuses that nobody sends", v.sender.Resume(ctx, false))
		})
	})
	wg.Go(func() { v.Logs.Compact(ctx) })
	wg.Go(func() {
		v.dropAuthors(ctx)
		loop.Every(ctx, authorsEvery, func() { v.dropAuthors(ctx) })
	})
	if v.work.Messenger != nil && v.Notices.Anybody() { // else a server that tells nobody would look all the same
		wg.Go(func() {
			loop.Every(ctx, noticesEvery, func() {
				v.warn(ctx, "cannot tell people of branches", v.Notices.Send(ctx, v.work.Messenger, v.pageOf))
			})
		})
	}
	if v.work.Reporter != nil && v.work.Credential != nil {
		wg.Go(func() {
			loop.Every(ctx, v.sender.Pace.Look, func() {
				v.warn(ctx, "cannot send the statuses that were refused", v.sender.Look(ctx))
			})
		})
	}
}

// pageOf is the address of a build's page.
func (v *server) pageOf(build int64) string {
	if v.work.TargetURL == nil {
		return ""
	}
	return v.work.TargetURL(build)
}

func (v *server) warn(ctx context.Context, message string, err error) {
	if err != nil && ctx.Err() == nil {
		v.log.WarnContext(ctx, message, "err", err)
	}
}

// dropAuthors drops the authors' names that have had their time.
func (v *server) dropAuthors(ctx context.Context) {
	for {
		dropped, err := v.Retention.DropAuthors(ctx, v.work.KeepAuthors)
		v.warn(ctx, "cannot drop author names", err)
		if dropped == 0 {
			return
		}
	}
}
