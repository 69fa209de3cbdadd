package outbox

import (
	"context"
	"sync"
)

// lanes let one request of each account at a time to the host, as GitHub asks of its clients
// (docs.github.com, "Best practices for using the REST API"). The zero lanes are free.
type lanes struct {
	mu   sync.Mutex
	busy map[string]chan struct{} // has room for one; full while a request is under way
}

// enter waits for an account's lane, until ctx ends. The caller calls leave.
func (l *lanes) enter(ctx context.Context, account string) (leave func(), err error) {
	l.mu.Lock()
	if l.busy == nil {
		l.busy = map[string]chan struct{}{}
	}
	lane := l.busy[account]
	if lane == nil {
		lane = make(chan struct{}, 1)
		l.busy[account] = lane
	}
	l.mu.Unlock()
	select {
	case lane <- struct{}{}:
		return func() { <-lane }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
