package loop

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestEveryCallsUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second+time.Millisecond)
		defer cancel()
		calls := 0
		Every(ctx, time.Second, func() { calls++ })
		if calls != 3 {
			t.Errorf("it was called %d times in three seconds, want 3", calls)
		}
	})
}
