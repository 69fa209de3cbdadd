package buildlog

import "sync"

// recordings are the recorders of this process, by their builds. The zero value is ready.
type recordings struct {
	mu sync.Mutex
	m  map[int64]*Recorder
}

func (a *recordings) add(r *Recorder) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.m == nil {
		a.m = map[int64]*Recorder{}
	}
	a.m[r.attempt.Build] = r
}

func (a *recordings) remove(r *Recorder) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.m[r.attempt.Build] == r {
		delete(a.m, r.attempt.Build)
	}
}

// of is the recorder of a build, or nil where it is not recorded here.
func (a *recordings) of(build int64) *Recorder {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.m[build]
}

// elsewhere are those of the builds that are not recorded here.
func (a *recordings) elsewhere(ids []int64) []int64 {
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
func (l *Logs) Omitting(build int64) int64 {
	if r := l.recordings.of(build); r != nil {
		return r.omitted()
	}
	return 0
}
