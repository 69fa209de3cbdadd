package egress

import (
	"context"
	"errors"
	"slices"
	"sync"

	"vivarium/sandbox/egress/watchdog"
)

// Trouble is why a build did not get what it asked the index for: trouble outside the build, which
// may pass.
type Trouble struct {
	Ours    bool   // this server had no room; nothing is wrong with the index
	Stalled bool   // a host kept the build waiting, which may be why the build ran out of time
	Message string // one line that names the host (or this server) and the error, without credentials

	host string
	says string // the words after the host's name
}

// wanted is a thing that a build asks the index for.
type wanted struct {
	page     string // the project
	file     string // the link's id
	metadata bool   // the file's metadata, and not the file itself
}

// maxTroubles bounds what is remembered of one build.
const maxTroubles = 1000

// ledger remembers how the last request for each thing ended. The zero ledger is empty.
type ledger struct {
	mu   sync.Mutex
	open []entered // the oldest first
}

// entered is a thing that the build did not get.
type entered struct {
	wanted
	Trouble
}

// settle records how a request ended. A thing that the build got in the end was no trouble. Neither
// is the metadata of a file when the build got the file itself. A client that left says nothing
// about upstream.
func (l *ledger) settle(what wanted, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if trouble := troubleOf(err); trouble != nil {
		known := slices.ContainsFunc(l.open, func(e entered) bool { return e.wanted == what })
		if !known && len(l.open) < maxTroubles {
			l.open = append(l.open, entered{what, *trouble})
		}
		return
	}
	if errors.Is(err, context.Canceled) {
		return
	}
	metadata := wanted{file: what.file, metadata: what.file != ""}
	l.open = slices.DeleteFunc(l.open,
		func(e entered) bool { return e.wanted == what || e.wanted == metadata && err == nil })
}

// first is the trouble that has lasted longest; nil when there is none.
func (l *ledger) first() *Trouble {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) == 0 {
		return nil
	}
	t := l.open[0].Trouble
	return &t
}

// troubleOf finds upstream's trouble in an error. It is none when the proxy refused by its own
// rules, when the index does not have the thing, and when the client left.
func troubleOf(err error) *Trouble {
	var no *refusal
	var fetch *fetchError
	var private *addressError
	var stalled *watchdog.StalledError
	var bad *pageError
	var hash *hashError
	switch {
	case errors.As(err, &no):
		return no.trouble
	case errors.As(err, &private), errors.Is(err, errTooLarge):
		return nil
	case errors.As(err, &fetch) && errors.As(err, &stalled):
		return &Trouble{Stalled: true, host: fetch.host, says: silence(err)}
	case errors.Is(err, context.Canceled):
		return nil
	case errors.As(err, &fetch) && fetch.broken:
		return &Trouble{host: fetch.host, says: "broke off its answer: " + brief(err)}
	case errors.As(err, &fetch):
		return &Trouble{host: fetch.host, says: silence(err)}
	case errors.As(err, &bad):
		return &Trouble{host: bad.host, says: "answered with a page that cannot be read"}
	case errors.As(err, &hash):
		return &Trouble{host: hash.host, says: "sent " + hash.name + " with another SHA-256 than the index tells"}
	}
	return nil
}

// Trouble is what kept this build from a page or a file that it asked for and did not get later
// either; nil when there is none. It is complete once all requests have ended.
func (s *Session) Trouble() *Trouble {
	t := s.asked.first()
	if t == nil {
		return nil
	}
	who := "index " + s.index.upstream.Host
	switch {
	case t.Ours:
		who = "this server"
	case t.host != "" && t.host != s.index.upstream.Host:
		who += ": files' host " + t.host
	}
	t.Message = oneLine(who + " " + t.says)
	return t
}
