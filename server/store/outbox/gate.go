package outbox

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"vivarium/pipeline"
)

// Gate says when the host may be asked: never while it wants quiet, and only now and then with a
// credential that it refused. Then one post at a time finds out whether the credential works again.
// The gate holds for all statuses that one server sends. The zero Gate is open.
type Gate struct {
	mu    sync.Mutex
	quiet time.Time // the host asked for no requests until then
	limit error     // in the host's words

	dead   string    // the credential that was refused; meaningful while reason is set
	since  time.Time // when it was first refused
	probes int       // how often it has been tried since
	next   time.Time // when it is to be tried next
	reason error     // the host's words; nil while no credential is known to be dead
}

// Pass is the right to one post.
type Pass struct {
	credential string
	probe      bool // its credential is known to be dead
}

// Enter grants the right to post with a credential, or returns how long to wait and why.
func (g *Gate) Enter(credential string, now time.Time, p Pace) (right Pass, wait time.Duration, why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	right.credential = credential
	if wait := g.quiet.Sub(now); wait > 0 {
		return right, wait, g.limit
	}
	if g.reason != nil && credential != g.dead {
		g.reason = nil
	}
	if g.reason == nil {
		return right, 0, nil
	}
	if wait := g.next.Sub(now); wait > 0 {
		return right, wait, g.reason
	}
	right.probe = true
	g.next = now.Add(PostTimeout + p.probe(g.probes, now.Sub(g.since))) // others wait for the result
	return right, 0, nil
}

// Leave records the result of a post. wait is how long the credential is left alone when it was
// refused; healed says that a credential which was known to be dead works again.
func (g *Gate) Leave(right Pass, err error, now time.Time, p Pace) (wait time.Duration, healed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if later, ok := errors.AsType[*pipeline.RetryError](err); ok {
		if later.At.After(g.quiet) {
			g.quiet, g.limit = later.At, err
		}
		if right.probe {
			g.next = now.Add(p.probe(g.probes, now.Sub(g.since)))
		}
		return 0, false
	}
	if !IsDead(err) {
		healed = right.probe && right.credential == g.dead && g.reason != nil
		if healed {
			g.reason = nil
		}
		return 0, healed
	}
	switch {
	case g.reason == nil || g.dead != right.credential:
		g.dead, g.since, g.probes = right.credential, now, 0
	case right.probe:
		g.probes++
	default: // the post was under way when another one was refused
		return max(g.next.Sub(now), 0), false
	}
	g.reason = err
	g.next = now.Add(p.probe(g.probes, now.Sub(g.since)))
	return g.next.Sub(now), false
}

// IsDead reports whether an error says that the credential does not work.
func IsDead(err error) bool {
	refused, ok := errors.AsType[*pipeline.RefusedError](err)
	return ok && refused.Code == http.StatusUnauthorized
}
