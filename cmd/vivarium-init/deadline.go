//go:build linux

package main

import (
	"errors"
	"sync"
	"time"
)

// deadline is the moment at which PID 1 ends the container. It can be moved until it has passed.
type deadline struct {
	passed chan struct{} // closed at that moment

	mu    sync.Mutex
	timer *time.Timer
	over  bool
}

func newDeadline() *deadline { return &deadline{passed: make(chan struct{})} }

var errDeadline = errors.New("the deadline has passed")

// set moves the deadline to ttl from now.
func (d *deadline) set(ttl time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return errDeadline
	}
	if d.timer != nil {
		d.timer.Stop()
	}
	var t *time.Timer
	t = time.AfterFunc(ttl, func() { d.fire(t) })
	d.timer = t
	return nil
}

// fire closes passed, unless the deadline was moved in the meantime.
func (d *deadline) fire(t *time.Timer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != t || d.over {
		return
	}
	d.over = true
	close(d.passed)
}
