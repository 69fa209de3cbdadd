package pace

import (
	"testing"
	"time"
)

func TestPaceLetsABurstPassAndHoldsTheRestToTheRate(t *testing.T) {
	const rate = 1 << 20
	var p Pace
	start := time.Now()
	now := start
	for range 64 { // 4 MiB in pieces of 64 KiB, as fast as allowed
		now = now.Add(p.Delay(now, 64<<10, rate))
	}
	if took := now.Sub(start); took != 3*time.Second {
		t.Errorf("4 MiB at 1 MiB/s took %s, want 3s: one second's worth may come at once", took)
	}
	if wait := p.Delay(now.Add(time.Minute), 64<<10, rate); wait != 0 {
		t.Errorf("after a minute of silence: %s, want no wait", wait)
	}
}

func TestPaceWithoutARateNeverWaits(t *testing.T) {
	var p Pace
	for range 100 {
		if wait := p.Delay(time.Now(), 1<<30, 0); wait != 0 {
			t.Fatalf("got %s", wait)
		}
	}
}
