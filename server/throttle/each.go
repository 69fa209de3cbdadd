package throttle

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Each bounds how often something is done for each of several, which must be few. Its fields do not
// change.
type Each struct {
	Burst int
	Every time.Duration // once more is allowed after each

	mu   sync.Mutex
	byID map[int64]*rate.Limiter
}

// Allow reports whether it may be done once more for one of them.
func (e *Each) Allow(id int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.byID == nil {
		e.byID = map[int64]*rate.Limiter{}
	}
	if e.byID[id] == nil {
		e.byID[id] = rate.NewLimiter(rate.Every(e.Every), e.Burst)
	}
	return e.byID[id].Allow()
}
