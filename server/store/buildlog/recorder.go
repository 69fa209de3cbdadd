package buildlog

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/mask"
)

const (
	// chunkSize is how many bytes one chunk has at most.
	chunkSize = 64 << 10
	// flushEvery is how long output is gathered while it flows. After a pause longer than that it is committed at once.
	flushEvery = 25 * time.Millisecond
	// maxPending bounds what waits for its commit. Output blocks beyond it: the back-pressure on the sandbox.
	maxPending = 1 << 20
	// chunkCost is what a chunk takes besides its bytes, in memory; in the database it is less. A program that writes by turns
	// to both of its streams makes a chunk of each byte.
	chunkCost = 128
	// bytesPerChunk is how long chunks are on average, at least, where the log's head goes to its limit.
	bytesPerChunk = 64
	// minChunks may be there however low the limit is.
	minChunks = 1000
	// commitTimeout is for a commit on the way out, when the attempt's own context has ended.
	commitTimeout = 30 * time.Second
	// omittingEvery is how often viewers are told that output is being left out.
	omittingEvery = time.Second

	defaultLogLimit = 64 << 20
)

// Attempt is what is recorded.
type Attempt struct {
	Build  int64
	Number int // 1, 2, 3 ... within the build
	Cancel context.CancelCauseFunc
}

// Recorder implements pipeline.Recorder for one attempt. The caller's goroutine gathers; another one
// commits what was gathered, so that output goes on while a commit is on its way to the disk.
type Recorder struct {
	l       *Logs
	attempt Attempt
	secrets *mask.Secrets
	limit   int64

	omitting atomic.Int64 // bytes left out so far

	// Of the caller's goroutine.
	step     pipeline.StepName
	masks    map[pipeline.Stream]*mask.Masker // of the running step
	stored   int64                            // bytes of the log's head
	chunks   int64                            // and its chunks
	tail     tail                             // of the running step
	omitted  int64                            // by the steps before
	lastTold time.Time                        // viewers were told of omitted bytes

	work    chan struct{} // tells the committer that the state below changed
	drained chan struct{} // tells the caller that a commit is over
	over    chan struct{} // closed when the committer has returned

	mu      sync.Mutex
	pending []Chunk
	size    int            // bytes of pending, with what its chunks cost
	change  *pipeline.Step // a step that begins or ends, after pending
	closing bool
	err     error // of the first commit that failed
}

// Record begins to record an attempt, of which limit bytes are stored at the head; 0 is 64 MiB. What
// is in secrets is masked. Where a commit fails, the attempt is canceled. Close must be called.
func (l *Logs) Record(ctx context.Context, a Attempt, limit int64, secrets []string) *Recorder {
	if limit == 0 {
		limit = defaultLogLimit
	}
	r := &Recorder{
		l: l, attempt: a, secrets: mask.Prepare(secrets), limit: limit,
		work: make(chan struct{}, 1), drained: make(chan struct{}, 1), over: make(chan struct{}),
	}
	l.recordings.add(r)
	go r.commitAll(context.WithoutCancel(ctx))
	return r
}

// StepStarted implements pipeline.Recorder.
func (r *Recorder) StepStarted(ctx context.Context, step pipeline.Step) error {
	r.endStep()
	r.step = step.Name
	step.State = pipeline.StepRunning
	return r.put(ctx, step)
}

// Output implements pipeline.Recorder.
func (r *Recorder) Output(ctx context.Context, step pipeline.StepName, stream pipeline.Stream, p []byte) error {
	if step != r.step {
		r.endStep()
		r.step = step
	}
	m := r.masks[stream]
	if m == nil {
		m = r.secrets.Masker()
		if r.masks == nil {
			r.masks = map[pipeline.Stream]*mask.Masker{}
		}
		r.masks[stream] = m
	}
	r.add(stream, m.Write(p))
	return r.wait(ctx, func() bool { return r.size < maxPending })
}

// StepEnded implements pipeline.Recorder.
func (r *Recorder) StepEnded(ctx context.Context, step pipeline.Step) error {
	r.endStep()
	return r.put(ctx, step)
}

// Close commits what there is, and returns the first error of a commit.
func (r *Recorder) Close() error {
	defer r.l.recordings.remove(r)
	r.endStep()
	locked(&r.mu, func() { r.closing = true })
	signal(r.work)
	<-r.over
	return r.err
}

// endStep lets out what the maskers and the tail have kept back.
func (r *Recorder) endStep() {
	for _, stream := range []pipeline.Stream{pipeline.Stdout, pipeline.Stderr, pipeline.System} {
		if m := r.masks[stream]; m != nil {
			r.add(stream, m.Flush())
		}
	}
	r.masks = nil
	r.omitted += r.tail.omitted
	locked(&r.mu, func() {
		for _, c := range r.tail.take() {
			r.pending = append(r.pending, c)
			r.size += len(c.Data) + chunkCost
		}
	})
	signal(r.work)
}

// add puts masked output into the log's head, or what is past its limit into the tail. It copies p.
func (r *Recorder) add(stream pipeline.Stream, p []byte) {
	if len(p) == 0 {
		return
	}
	head := p[:min(int64(len(p)), max(r.limit-r.stored, 0))]
	if r.chunks >= r.limit/bytesPerChunk+minChunks {
		head = nil
	}
	if len(head) > 0 {
		r.stored += int64(len(head))
		locked(&r.mu, func() {
			before := len(r.pending)
			r.pending = appendOutput(r.pending, r.chunk(stream), head)
			added := len(r.pending) - before
			r.chunks += int64(added)
			r.size += len(head) + added*chunkCost
		})
		signal(r.work)
	}
	if rest := p[len(head):]; len(rest) > 0 {
		r.tail.add(r.chunk(stream), rest)
		r.tellOmitted()
	}
}

func (r *Recorder) chunk(stream pipeline.Stream) Chunk {
	return Chunk{Attempt: r.attempt.Number, Step: r.step, Stream: stream, Time: r.l.db.Now()}
}

// appendOutput appends a copy of p to the last chunk, if that is of the same step and stream and has room, and to
// new ones like c.
func appendOutput(chunks []Chunk, c Chunk, p []byte) []Chunk {
	if n := len(chunks); n > 0 {
		last := &chunks[n-1]
		if last.Step == c.Step && last.Stream == c.Stream && last.Omitted == 0 {
			take := min(len(p), max(chunkSize-len(last.Data), 0))
			last.Data = append(last.Data, p[:take]...)
			p = p[take:]
		}
	}
	for len(p) > 0 {
		take := min(len(p), chunkSize)
		c.Data = append([]byte(nil), p[:take]...)
		chunks = append(chunks, c)
		p = p[take:]
	}
	return chunks
}

func (r *Recorder) tellOmitted() {
	r.omitting.Store(r.omitted + r.tail.omitted)
	if now := r.l.db.Now(); r.tail.omitted > 0 && now.Sub(r.lastTold) >= omittingEvery {
		r.lastTold = now
		r.l.Wake(r.attempt.Build)
	}
}

// put commits a step's row, after all output before it.
func (r *Recorder) put(ctx context.Context, step pipeline.Step) error {
	locked(&r.mu, func() { r.change = &step })
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
