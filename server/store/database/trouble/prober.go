package trouble

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// probeEvery bounds how often /readyz, which anybody may ask, makes the database write.
	probeEvery = 5 * time.Second
	// probeTime is how long /readyz waits for that write.
	probeTime = time.Second
)

// Prober writes now and then to see whether writing works.
type Prober struct {
	// Try writes something. Its error is kept in Noted.
	Try   func(context.Context) error
	Noted interface {
		Trouble() *Trouble
		Keep(err error, now time.Time)
		Clear()
	}

	mu      sync.Mutex
	at      time.Time
	running chan struct{} // closed when the current probe has ended; nil when there is none

	wait sync.WaitGroup
}

// Ask says why the database cannot be written to, and since when; nil when it can. It writes at
// most every five seconds while all is well, and waits for at most a second.
func (p *Prober) Ask(ctx context.Context) *Trouble {
	done, began := p.begin(ctx)
	select {
	case <-done:
		return p.Noted.Trouble()
	case <-time.After(probeTime): // somebody holds it: that is noted when the transaction gives up
	}
	if t := p.Noted.Trouble(); t != nil {
		return t
	}
	return &Trouble{Err: fmt.Errorf("%w within %s", ErrAway, probeTime), Since: began}
}

// Wait waits for the current probe.
func (p *Prober) Wait() { p.wait.Wait() }

// begin starts a probe if one is due, and returns when the latest one began. done is closed once no
// probe runs.
func (p *Prober) begin(ctx context.Context) (done chan struct{}, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		return p.running, p.at
	}
	done = make(chan struct{})
	if time.Since(p.at) < probeEvery && p.Noted.Trouble() == nil {
		close(done)
		return done, p.at
	}
	p.at, p.running = time.Now(), done
	p.wait.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if err := p.Try(ctx); err != nil {
			p.Noted.Keep(err, time.Now())
		} else {
			p.Noted.Clear()
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.running = nil
		close(done)
	})
	return done, p.at
}
