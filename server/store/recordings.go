package store

import (
	"sync"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// recordings are the attempts that are recorded in this process, by their builds. The zero value is
// ready.
type recordings struct {
	mu sync.Mutex
	m  map[int64]*recorder
}

func (a *recordings) add(r *recorder) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.m == nil {
		a.m = map[int64]*recorder{}
	}
	a.m[r.attempt.Build] = r
}

func (a *recordings) remove(r *recorder) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.m[r.attempt.Build] == r {
		delete(a.m, r.attempt.Build)
	}
}

// foreign are those of the builds that are not recorded here.
func (a *recordings) foreign(ids []int64) []int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []int64
	for _, id := range ids {
		if a.m[id] == nil {
			list = append(list, id)
		}
	}
	return list
}

// Omitting is how many bytes the running attempt has left out of the log so far. It is known to
// the process that runs the attempt; elsewhere, and without one, it is 0.
func (s *Store) Omitting(build int64) int64 {
	s.recordings.mu.Lock()
	defer s.recordings.mu.Unlock()
	if r := s.recordings.m[build]; r != nil {
		return r.omitting.Load()
	}
	return 0
}

// logs are the store's logs, as the queue needs them.
type logs struct{ s *Store }

func (l logs) Wake(build int64) { l.s.watch.wake(build) }

func (l logs) Ended() { signal(l.s.finished) }

func (l logs) AddLine(tx *database.Tx, b builds.Row, step pipeline.StepName, text string) error {
	seq, err := numbers(tx, b.ID, b.Attempt, 1)
	if err != nil {
		return err
	}
	return tx.Create(&chunkRow{
		BuildID: b.ID,
		Seq:     seq,
		Attempt: b.Attempt,
		Step:    step,
		Stream:  pipeline.System,
		Time:    database.Micros(tx.Now()),
		Data:    []byte(text),
	}).Error
}
