package outbox

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"vivarium/pipeline"
)

// Gate says when the host may be asked: never while it wants quiet, and only now and then with a
// credential that it refused. Then one post at a time finds out whether that credential works again;
// others are not held up. The gate holds for all that one server sends. The zero Gate is open.
type Gate struct {
	mu    sync.Mutex
	quiet time.Time // the host asked for no requests until then
	limit error     // in the host's words
	dead  map[string]*dead
}

// dead is a credential that was refused.
type dead struct {
	since  time.Time // when it was first refused
	probes int       // how often it has been tried since
	next   time.Time // when it is to be tried next
	reason error     // the host's words
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
	d := g.dead[credential]
	if d == nil {
		return right, 0, nil
	}
	if wait := d.next.Sub(now); wait > 0 {
		return right, wait, d.reason
	}
	right.probe = true
	d.next = now.Add(PostTimeout + p.probe(d.probes, now.Sub(d.since))) // others wait for the result
	return right, 0, nil
}

// Leave records the result of a post. wait is how long the credential is left alone when it was
// refused; healed says that a credential which was known to be dead works again.
func (g *Gate) Leave(right Pass, err error, now time.Time, p Pace) (wait time.Duration, healed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.dead[right.credential]
	if later, ok := errors.AsType[*pipeline.RetryError](err); ok {
		if later.At.After(g.quiet) {
			g.quiet, g.limit = later.At, err
		}
		if right.probe && d != nil {
			d.next = now.Add(p.probe(d.probes, now.Sub(d.since)))
		}
		return 0, false
	}
	if !IsDead(err) {
		healed = right.probe && d != nil
		if healed {
			delete(g.dead, right.credential)
		}
		return 0, healed
	}
	switch {
	case d == nil:
		if g.dead == nil {
			g.dead = map[string]*dead{}
		}
		d = &dead{since: now}
		g.dead[right.credential] = d
	case right.probe:
		d.probes++
	default: // the post was under way when another one was refused
		return max(d.next.Sub(now), 0), false
	}
	d.reason = err
	d.next = now.Add(p.probe(d.probes, now.Sub(d.since)))
	return d.next.Sub(now), false
}

// IsDead reports whether an error says that the credential does not work.
func IsDead(err error) bool {
	refused, ok := errors.AsType[*pipeline.RefusedError](err)
	return ok && refused.Code == http.StatusUnauthorized
}
