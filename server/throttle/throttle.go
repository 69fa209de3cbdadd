// Package throttle bounds how often one network may guess at a secret.
package throttle

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"vivarium/server/shares"
)

// Throttle bounds how often attempts of one network may fail. Success costs nothing.
type Throttle struct {
	failure error         // what counts as one
	every   time.Duration // one more failure is allowed after each period
	burst   int
	room    int // networks that are told apart; all others share one bound

	mu     sync.Mutex
	byNet  map[netip.Prefix]*failures
	others *failures
}

// failures are those of one network. An attempt under way counts as one until it is known not to be
// a failure.
type failures struct {
	limit  *rate.Limiter
	trying int
}

// New allows each network so many attempts that end in failure, and one more after each period. It
// tells 10 000 networks apart, in some 2 MB.
func New(failure error, burst int, every time.Duration) *Throttle {
	t := &Throttle{failure: failure, every: every, burst: burst, room: 10_000, byNet: make(map[netip.Prefix]*failures)}
	t.others = t.newFailures()
	return t
}

func (t *Throttle) newFailures() *failures {
	return &failures{limit: rate.NewLimiter(rate.Every(t.every), t.burst)}
}

// Error refuses an attempt of a network that has failed too often.
type Error struct {
	After time.Duration // when the next attempt is allowed
}

// Error says when to try again.
func (e *Error) Error() string {
	return fmt.Sprintf("too many attempts from your network; try again in %d s", e.Seconds())
}

// Seconds is After in whole seconds, at least one.
func (e *Error) Seconds() int { return int(e.After/time.Second) + 1 }

// Attempt runs try and returns its error, or an *Error when too many attempts of the network have
// failed.
func (t *Throttle) Attempt(client string, try func() error) error {
	f, wait := t.begin(shares.Network(client))
	if wait > 0 {
		return &Error{After: wait}
	}
	failed := false
	defer func() { t.end(f, failed) }() // even when try panics
	err := try()
	failed = errors.Is(err, t.failure)
	return err
}

func (t *Throttle) begin(n netip.Prefix) (f *failures, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f = t.of(n)
	if left := f.limit.Tokens() - float64(f.trying); left < 1 {
		return f, time.Duration((1 - left) * float64(t.every))
	}
	f.trying++
	return f, 0
}

func (t *Throttle) end(f *failures, failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f.trying--
	if failed {
		f.limit.Allow()
	}
}

// of needs the lock.
func (t *Throttle) of(n netip.Prefix) *failures {
	if f, ok := t.byNet[n]; ok {
		return f
	}
	if len(t.byNet) >= t.room {
		t.forget()
	}
	if len(t.byNet) >= t.room {
		return t.others
	}
	f := t.newFailures()
	t.byNet[n] = f
	return f
}

// forget drops the networks without a recent failure.
func (t *Throttle) forget() {
	for n, f := range t.byNet {
		if f.trying == 0 && f.limit.Tokens() >= float64(t.burst) {
			delete(t.byNet, n)
		}
	}
}
