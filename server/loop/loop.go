// Package loop does something again and again until its context ends.
package loop

import (
	"context"
	"time"
)

// Every calls f each time that d has passed, until ctx ends. Calls that f is too slow for are left
// out.
func Every(ctx context.Context, d time.Duration, f func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f()
		}
	}
}
