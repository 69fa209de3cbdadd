package buildlog

import (
	"context"
	"sync"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
	"vivarium/server/store/testruns"
)

const (
	// flushEvery is how long output is gathered while it flows. What comes after a longer pause is
	// committed at once.
	flushEvery = 25 * time.Millisecond
	// maxPending bounds what waits for its commit. Output blocks beyond it, and with it the
	// sandbox.
	maxPending = 1 << 20
	// commitTimeout is for a commit on the way out, when the attempt's own context has ended.
	commitTimeout = 30 * time.Second
	// omittingEvery is how often those who watch are told that output is being left out.
	omittingEvery = time.Second

	defaultLimit = 64 << 20
)

// Attempt is what is recorded.
type Attempt struct {
	Build  int64
	Number int // 1, 2, 3 ... within the build
	Cancel context.CancelCauseFunc
}

// Recorder implements pipeline.Recorder for one attempt. The caller's goroutine gathers; another
// one commits what was gathered, so that output goes on while a commit is on its way to the disk.
type Recorder struct {
	l       *Logs
	attempt Attempt

	lastTold time.Time // those who watch, of omitted bytes; of the caller's goroutine

	// Of the committer.
	tests  *testruns.Writer
	before int64 // lines of the log before this attempt; below 0: not known
	placed bool  // before is known

	work    chan struct{} // tells the committer that the state below changed
	drained chan struct{} // tells the caller that a commit is over
	over    chan struct{} // closed when the committer has returned

	mu      sync.Mutex
	cutter  cutter         // its chunks wait for their commit
	change  *pipeline.Step // a step that begins or ends, after those chunks
	closing bool
	err     error // of the first commit that failed
}

// Record begins to record an attempt, of which limit bytes are stored at the head; 0 is 64 MiB.
// What is in secrets is masked. Where a commit fails, the attempt is canceled. Close must be
// called.
func (l *Logs) Record(ctx context.Context, a Attempt, limit int64, secrets []string) *Recorder {
	if limit == 0 {
		limit = defaultLimit
	}
	r := &Recorder{
		l:       l,
		attempt: a,
		tests:   testruns.NewWriter(a.Build, a.Number),
		work:    make(chan struct{}, 1),
		drained: make(chan struct{}, 1),
		over:    make(chan struct{}),
		cutter:  newCutter(a.Number, limit, secrets, l.db.Now),
	}
	l.recordings.add(r)
	go r.commitAll(context.WithoutCancel(ctx))
	return r
}

// StepStarted implements pipeline.Recorder.
func (r *Recorder) StepStarted(ctx context.Context, step pipeline.Step) error {
	step.State = pipeline.StepRunning
	return r.put(ctx, step, func() { r.cutter.begin(step.Name) })
}

// Output implements pipeline.Recorder.
func (r *Recorder) Output(ctx context.Context, step pipeline.StepName, stream pipeline.Stream, p []byte) error {
	var omitting bool
	locked(&r.mu, func() {
		r.cutter.output(step, stream, p)
		omitting = r.cutter.tail.omitted > 0
	})
	signal(r.work)
	if omitting {
		r.tellOmitted()
	}
	return r.wait(ctx, func() bool { return r.cutter.size < maxPending })
}

func (r *Recorder) tellOmitted() {
	if now := r.l.db.Now(); now.Sub(r.lastTold) >= omittingEvery {
		r.lastTold = now
		r.l.Wake(r.attempt.Build)
	}
}

// Tests implements pipeline.Recorder.
func (r *Recorder) Tests(ctx context.Context, _ pipeline.StepName, tests []results.Test) error {
	locked(&r.mu, func() { r.cutter.results(tests) })
	signal(r.work)
	return r.wait(ctx, func() bool { return r.cutter.size < maxPending })
}

// StepEnded implements pipeline.Recorder.
func (r *Recorder) StepEnded(ctx context.Context, step pipeline.Step) error {
	return r.put(ctx, step, r.cutter.end)
}

// Close commits what there is, and returns the first error of a commit. It is called once.
func (r *Recorder) Close() error {
	defer r.l.recordings.remove(r)
	locked(&r.mu, func() {
		r.cutter.end()
		r.closing = true
	})
	signal(r.work)
	<-r.over
	return r.err
}

// put commits a step's row, after all output before it, the last of which cut lets out.
func (r *Recorder) put(ctx context.Context, step pipeline.Step, cut func()) error {
	locked(&r.mu, func() {
		cut()
		r.change = &step
	})
	signal(r.work)
	return r.wait(ctx, func() bool { return r.change == nil })
}

// wait blocks until ok, which is asked under the lock, or the recording has failed.
func (r *Recorder) wait(ctx context.Context, ok func() bool) error {
	for {
		r.mu.Lock()
		err, done := r.err, ok()
		r.mu.Unlock()
		if err != nil || done {
			return err
		}
		select {
		case <-r.drained:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// omitted is how many bytes are left out so far.
func (r *Recorder) omitted() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cutter.omitted()
}
