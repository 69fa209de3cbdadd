package buildlog

import (
	"context"
	"sync"
	"time"

	"vivarium/pipeline"
)

// otherProcesses is how soon a watcher sees what another process committed.
const otherProcesses = 250 * time.Millisecond

// watchers are those who wait for news of builds. What this process commits wakes them at once;
// what others commit is found by a poll, which runs only while somebody watches.
type watchers struct {
	l *Logs

	mu     sync.Mutex
	m      map[int64]map[chan struct{}]struct{}
	cancel context.CancelFunc // of the poll; nil when it does not run
	polls  sync.WaitGroup
}

// Watch wakes the receiver after something of a build was committed: chunks, a step, the build's
// end. One wake may stand for several changes. stop ends it, and may be called twice.
func (l *Logs) Watch(build int64) (wake <-chan struct{}, stop func()) {
	w := &l.watchers
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.m == nil {
		w.m = map[int64]map[chan struct{}]struct{}{}
	}
	if w.m[build] == nil {
		w.m[build] = map[chan struct{}]struct{}{}
	}
	w.m[build][c] = struct{}{}
	if w.cancel == nil {
		var ctx context.Context
		ctx, w.cancel = context.WithCancel(context.Background())
		w.polls.Go(func() { w.poll(ctx) })
	}
	return c, sync.OnceFunc(func() { w.remove(build, c) })
}

func (w *watchers) remove(build int64, c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.m[build], c)
	if len(w.m[build]) == 0 {
		delete(w.m, build)
	}
	if len(w.m) == 0 && w.cancel != nil {
		w.cancel()
		w.cancel = nil
	}
}

// Wake tells those who watch a build that something of it was committed.
func (l *Logs) Wake(build int64) {
	w := &l.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.m[build] {
		select {
		case c <- struct{}{}:
		default: // a wake is there already
		}
	}
}

func (w *watchers) close() {
	w.mu.Lock()
	if w.cancel != nil {
		w.cancel()
		w.cancel = nil
	}
	w.mu.Unlock()
	w.polls.Wait()
}

// mark is what changes when something of a build was committed.
type mark struct {
	ID      int64
	State   pipeline.State
	Attempt int
	LogSeq  int64
	Steps   int64
}

func (w *watchers) poll(ctx context.Context) {
	tick := time.NewTicker(otherProcesses)
	defer tick.Stop()
	last := map[int64]mark{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		marks, err := w.marks(ctx)
		if err != nil {
			if ctx.Err() == nil {
				w.l.log.WarnContext(ctx, "cannot look for news of watched builds", "err", err)
			}
			continue
		}
		next := make(map[int64]mark, len(marks))
		for _, m := range marks {
			if old, known := last[m.ID]; !known || old != m {
				w.l.Wake(m.ID)
			}
			next[m.ID] = m
		}
		last = next
	}
}

// marks reads those of the watched builds that this process does not work on itself.
func (w *watchers) marks(ctx context.Context) ([]mark, error) {
	var ids []int64
	locked(&w.mu, func() {
		for id := range w.m {
			ids = append(ids, id)
		}
	})
	ids = w.l.recordings.elsewhere(ids)
	if len(ids) == 0 {
		return nil, nil
	}
	var marks []mark
	err := w.l.db.Read(ctx).Raw(`SELECT id, state, attempt, log_seq,
		(SELECT coalesce(sum(started_at + ended_at), 0) FROM steps WHERE build_id = builds.id) AS steps
		FROM builds WHERE id IN ?`, ids).Scan(&marks).Error
	return marks, err
}
