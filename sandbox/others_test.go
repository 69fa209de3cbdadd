package sandbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
)

// TestALabelAloneMakesNoSandbox: a container that only has the label counts like any other, and
// holds no build back for ever.
func TestALabelAloneMakesNoSandbox(t *testing.T) {
	now := time.Now()
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	for _, c := range []struct {
		labels  map[string]string
		created time.Duration
		want    bool
	}{
		{map[string]string{LabelInstance: "x", LabelDeadline: at(15 * time.Minute)}, -time.Minute, true},
		{map[string]string{LabelInstance: "x", LabelDeadline: at(-sweepGrace / 2)}, -time.Hour, true},
		{map[string]string{LabelInstance: "x", LabelDeadline: at(-2 * sweepGrace)}, -time.Hour, false},
		{map[string]string{LabelInstance: "x", LabelDeadline: at(50 * 365 * 24 * time.Hour)}, -time.Minute, false},
		{map[string]string{LabelInstance: "x", LabelDeadline: "for ever"}, -time.Minute, false},
		{map[string]string{LabelInstance: "x"}, -time.Minute, false},
		{map[string]string{LabelDeadline: at(time.Minute)}, -time.Minute, false},
	} {
		if got := isSandbox(container.Summary{
			Labels:  c.labels,
			Created: now.Add(c.created).Unix(),
		}, now); got != c.want {
			t.Errorf("%v: got %v, want %v", c.labels, got, c.want)
		}
	}
}

// TestAContainerThatHangsIsNotCounted: the engine answers, but not when it is asked for one of the
// containers.
func TestAContainerThatHangsIsNotCounted(t *testing.T) {
	const gib = 1 << 30
	ended := make(chan struct{})
	e := fakeEngine(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			_, _ = io.WriteString(w, `[{"Id": "well"}, {"Id": "hung"}]`)
		case strings.HasSuffix(r.URL.Path, "/well/json"):
			_, _ = fmt.Fprintf(w, `{"Id": "well", "HostConfig": {"Memory": %d}}`, gib)
		default:
			select {
			case <-ended:
			case <-r.Context().Done():
			}
		}
	})
	t.Cleanup(func() { close(ended) })
	e.info.Memory = 8 * gib
	ctx, cancel := context.WithTimeout(t.Context(), 3*lookTimeout)
	defer cancel()
	o, err := e.Others(ctx, "us")
	if err != nil || ctx.Err() != nil || o.Rest != gib {
		t.Errorf("got %d for the other container, %v, and %v; want %d", o.Rest, err, ctx.Err(), gib)
	}
	if o.Unseen == nil || !strings.Contains(o.Unseen.Error(), "container hung") {
		t.Errorf("it says of the one that hangs: %v", o.Unseen)
	}
}

// TestUseLeavesOutWhatTheKernelGivesBack, by its names in versions 1 and 2 of cgroups.
func TestUseLeavesOutWhatTheKernelGivesBack(t *testing.T) {
	for _, c := range []struct {
		stats map[string]uint64
		want  int64
	}{
		{nil, 100},
		{map[string]uint64{"inactive_file": 30}, 70},
		{map[string]uint64{"inactive_file": 10, "total_inactive_file": 40}, 60},
		{map[string]uint64{"inactive_file": 300}, 0},
	} {
		if got := inUse(container.MemoryStats{Usage: 100, Stats: c.stats}); got != c.want {
			t.Errorf("%v: got %d, want %d", c.stats, got, c.want)
		}
	}
}
