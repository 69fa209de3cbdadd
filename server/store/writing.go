package store

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// probeEvery bounds how often /readyz, which anybody may ask, has the database written.
	probeEvery = 5 * time.Second
	// probeTime is how long /readyz waits for that.
	probeTime = time.Second
)

// prober writes a row now and then to see whether that works.
type prober struct {
	mu      sync.Mutex
	at      time.Time
	running chan struct{} // closed when the probe under way has ended; nil when there is none

	wait sync.WaitGroup
}

// Writing says why the database cannot be written to, and since when; nil when it can. It tries, but not more often than each
// five seconds while all is well, and waits no longer than a second.
func (s *Store) Writing(ctx context.Context) *Trouble {
	select {
	case <-s.probe(ctx):
		return s.db.trouble()
	case <-time.After(probeTime):
		// Somebody holds it: that is noted when the transaction gives up.
		if t := s.db.trouble(); t != nil {
			return t
		}
		var began time.Time
		locked(&s.prober.mu, func() { began = s.prober.at })
		return &Trouble{Err: fmt.Errorf("%w within %s", ErrAway, probeTime), Since: began}
	}
}

// probe begins to write where it is time for it. What it gives is closed when nothing is under way.
func (s *Store) probe(ctx context.Context) <-chan struct{} {
	p := &s.prober
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		return p.running
	}
	done := make(chan struct{})
	if s.now().Sub(p.at) < probeEvery && s.db.trouble() == nil {
		close(done)
		return done
	}
	p.at, p.running = s.now(), done
	s.prober.wait.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		s.tryWriting(ctx)
		locked(&p.mu, func() { p.running = nil })
		close(done)
	})
	return done
}

// tryWriting leaves what it met where trouble is noted.
func (s *Store) tryWriting(ctx context.Context) {
	err := s.db.transact(ctx, func(tx *tx) error {
		return tx.Exec("INSERT INTO pulse (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at", micros(s.now())).Error
	})
	if err == nil {
		s.db.clear()
		return
	}
	s.db.keep(err, s.now())
}
