package sandbox

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/api/types/container"
)

func TestSandboxBeginsWhereItFits(t *testing.T) {
	const gib = 1 << 30
	for name, c := range map[string]struct {
		usable, reserve, held int64
		others                others
		need                  int64
		want                  bool
	}{
		"the first":                           {12 * gib, 4 * gib, 0, others{}, 4 * gib, true},
		"up to the brim":                      {12 * gib, 4 * gib, 8 * gib, others{}, 4 * gib, true},
		"a byte too much":                     {12*gib - 1, 4 * gib, 8 * gib, others{}, 4 * gib, false},
		"one alone on a small engine":         {1 * gib, 1 * gib, 0, others{}, 4 * gib, true},
		"a second on a small engine":          {1 * gib, 1 * gib, 4 * gib, others{}, 4 * gib, false},
		"beside another server's sandboxes":   {12 * gib, 4 * gib, 4 * gib, others{sandboxes: 4 * gib}, 4 * gib, true},
		"sandboxes of others hold it all":     {12 * gib, 4 * gib, 0, others{sandboxes: 20 * gib}, 1, false},
		"other containers in the reserve":     {12 * gib, 4 * gib, 8 * gib, others{rest: 4 * gib}, 4 * gib, true},
		"other containers beyond it":          {12 * gib, 4 * gib, 8 * gib, others{rest: 4*gib + 1}, 4 * gib, false},
		"the first beside all of them":        {12 * gib, 4 * gib, 0, others{4 * gib, 99 * gib}, 4 * gib, true},
		"one alone beside others of all size": {12 * gib, 4 * gib, 0, others{rest: 99 * gib}, 4 * gib, true},
	} {
		a := &Admission{need: c.need, usable: c.usable, reserve: c.reserve, held: c.held}
		if _, got := a.take(c.others); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

// TestALabelAloneMakesNoSandbox: such a container counts as any other does, and holds no build back for ever.
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
		if got := isSandbox(container.Summary{Labels: c.labels, Created: now.Add(c.created).Unix()}, now); got != c.want {
			t.Errorf("%v: got %v, want %v", c.labels, got, c.want)
		}
	}
}

// TestUseLeavesOutWhatTheKernelGivesBack, by the names of version 1 and 2 of cgroups.
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

func TestAdmissionWaitsUntilASandboxFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var theirs atomic.Int64
		told := 0
		a := &Admission{
			need: 4, usable: 8, freed: make(chan struct{}), warn: func(string, ...any) { told++ }, answers: func(context.Context) {},
			others: func(context.Context) (others, error) { return others{sandboxes: theirs.Load()}, nil },
		}
		first, second := a.Enter(t.Context()), a.Enter(t.Context())
		entered := make(chan func())
		enter := func() { entered <- a.Enter(t.Context()) }
		go enter()
		time.Sleep(10 * lookAgain)
		select {
		case <-entered:
			t.Fatal("a third was let in where two fit")
		default:
		}
		if told != 1 {
			t.Errorf("it was told %d times that builds wait, want once", told)
		}
		first()
		first() // does nothing
		third := <-entered

		second()
		theirs.Store(8) // another server has taken the engine's memory meanwhile
		go enter()
		time.Sleep(10 * lookAgain)
		select {
		case <-entered:
			t.Fatal("one was let in beside another server's sandboxes")
		default:
		}
		theirs.Store(4)
		third()
		(<-entered)()
		if a.held != 0 {
			t.Errorf("%d are held in the end", a.held)
		}
	})
}

func TestAdmissionEndsWithItsContext(t *testing.T) {
	a := &Admission{
		need: 4, usable: 4, freed: make(chan struct{}), warn: func(string, ...any) {}, answers: func(context.Context) {},
		others: func(context.Context) (others, error) { return others{}, nil },
	}
	defer a.Enter(t.Context())()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.Enter(ctx)()
	if a.held != 4 {
		t.Errorf("%d are held, want the first one's 4", a.held)
	}
}
