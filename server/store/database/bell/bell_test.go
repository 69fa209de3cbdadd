package bell

import (
	"context"
	"fmt"
	"testing"
)

func TestBellKeepsEachQueueUntilItIsTold(t *testing.T) {
	b := New()
	for range 3 { // before anybody listens
		b.Ring("builds", "statuses")
	}
	b.Ring()
	heard := map[string]int{}
	for range 2 {
		n, err := b.WaitForNotification(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		heard[n.Payload]++
	}
	for _, q := range []string{"builds", "statuses"} {
		if payload := fmt.Sprintf(`{"queue": %q}`, q); heard[payload] != 1 {
			t.Errorf("heard %v, want %s once", heard, payload)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := b.WaitForNotification(ended); err == nil {
		t.Errorf("heard %v after all was told", n)
	}
}
