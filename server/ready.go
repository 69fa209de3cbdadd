package server

import (
	"context"
	"sync"
	"time"
)

// Condition is one thing that builds need.
type Condition struct {
	Name string // as /readyz gives it: engine, disk
	// Look says what is wrong, and since when; nil: nothing. Every /readyz calls it, and it must
	// return within a second.
	Look func(context.Context) *Trouble
}

// Trouble says why a condition does not hold.
type Trouble struct {
	Err   error
	Since time.Time // zero when unknown: then the time when a /readyz first saw the trouble counts
}

// troubled is a Trouble with only a reason; nil for no error.
func troubled(err error) *Trouble {
	if err == nil {
		return nil
	}
	return &Trouble{Err: err}
}

// Holds makes a condition from a function that only knows the reason.
func Holds(name string, look func(context.Context) error) Condition {
	return Condition{Name: name, Look: func(ctx context.Context) *Trouble { return troubled(look(ctx)) }}
}

// sinces are when each condition was first seen not to hold.
type sinces struct {
	mu    sync.Mutex
	first map[string]time.Time
}

// of is since when a condition does not hold; zero while it holds.
func (s *sinces) of(name string, t *Trouble, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t == nil {
		delete(s.first, name)
		return time.Time{}
	}
	if !t.Since.IsZero() {
		return t.Since
	}
	if s.first == nil {
		s.first = map[string]time.Time{}
	}
	if s.first[name].IsZero() {
		s.first[name] = now
	}
	return s.first[name]
}
