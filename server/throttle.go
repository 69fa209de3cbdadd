package server

import (
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"vivarium/server/store/database"
)

// throttle bounds how often one network may fail to name a token. Success costs nothing.
type throttle struct {
	every time.Duration // one more failure is allowed after each period
	burst int
	room  int // networks that are told apart; all others share one bound

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

// newThrottle tells 10 000 networks apart, in some 2 MB.
func newThrottle(burst int, every time.Duration) *throttle {
	t := &throttle{every: every, burst: burst, room: 10_000, byNet: make(map[netip.Prefix]*failures)}
	t.others = t.newFailures()
	return t
}

func (t *throttle) newFailures() *failures {
	return &failures{limit: rate.NewLimiter(rate.Every(t.every), t.burst)}
}

// attempt runs try, unless too many attempts of the network have failed. Only ErrNotFound is a
// failure.
func (t *throttle) attempt(client string, try func() error) error {
	f, wait := t.begin(subscriber(client))
	if wait > 0 {
		seconds := int(wait/time.Second) + 1
		return &Problem{
			Message:    "too many attempts from your network; try again in " + strconv.Itoa(seconds) + " s",
			status:     http.StatusTooManyRequests,
			retryAfter: seconds,
		}
	}
	failed := false
	defer func() { t.end(f, failed) }() // even when try panics
	err := try()
	failed = errors.Is(err, database.ErrNotFound)
	return err
}

func (t *throttle) begin(n netip.Prefix) (f *failures, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f = t.of(n)
	if left := f.limit.Tokens() - float64(f.trying); left < 1 {
		return f, time.Duration((1 - left) * float64(t.every))
	}
	f.trying++
	return f, 0
}

func (t *throttle) end(f *failures, failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f.trying--
	if failed {
		f.limit.Allow()
	}
}

// subscriber is the network that attempts are counted for: an IPv4 address, or the /64 that one
// subscriber has of IPv6 (RFC 6177).
func subscriber(client string) netip.Prefix {
	addr, err := netip.ParseAddr(client)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return netip.PrefixFrom(addr, 32)
	}
	return netip.PrefixFrom(addr, 64).Masked()
}

// of needs the lock.
func (t *throttle) of(n netip.Prefix) *failures {
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
func (t *throttle) forget() {
	for n, f := range t.byNet {
		if f.trying == 0 && f.limit.Tokens() >= float64(t.burst) {
			delete(t.byNet, n)
		}
	}
}
