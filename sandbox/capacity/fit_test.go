package capacity

import (
	"strings"
	"testing"

	"vivarium/sandbox"
)

func TestWorkersAreWhatFits(t *testing.T) {
	for _, c := range []struct {
		name         string
		cpus         int
		memory, each int64
		reserve      int64
		want         int
	}{
		{"CPUs decide", 2, 64 << 30, 4 << 30, 0, 2},
		{"memory decides", 16, 16 << 30, 4 << 30, 0, 3},
		{"a reserve of its own", 16, 16 << 30, 4 << 30, 9 << 30, 1},
		{"a smaller reserve", 16, 16 << 30, 4 << 30, 1, 3},
		{"more reserve than memory", 16, 16 << 30, 4 << 30, 99 << 30, 1},
		{"at least one", 4, 2 << 30, 4 << 30, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Workers(sandbox.Info{CPUs: c.cpus, Memory: c.memory},
				sandbox.Limits{Memory: c.each / 2, Disk: c.each / 2}, c.reserve)
			if got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestCheckSpellsOutTheSum(t *testing.T) {
	info := sandbox.Info{CPUs: 2, Memory: 16 << 30}
	if err := Check(info, sandbox.DefaultLimits(info), 3, 0); err != nil {
		t.Errorf("3 workers of 4 GiB: %v", err)
	}
	err := Check(info, sandbox.DefaultLimits(info), 4, 0)
	want := "4 workers × (memory 2 GiB + disk 2 GiB) = 16 GiB, but sandboxes may use 12 GiB, the engine's 16 GiB " +
		"less a reserve of 4 GiB: "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	err = Check(info, sandbox.DefaultLimits(info), 4, 1<<30)
	if err == nil ||
		!strings.Contains(err.Error(), "sandboxes may use 15 GiB, the engine's 16 GiB less a reserve of 1 GiB") {
		t.Errorf("with a reserve of 1 GiB: got %v", err)
	}
	many := sandbox.DefaultLimits(info)
	many.CPUs = 3
	if err := Check(info, many, 1, 0); err == nil || !strings.Contains(err.Error(), "VIVARIUM_CPUS") {
		t.Errorf("3 of 2 CPUs: got %v", err)
	}
	tiny := sandbox.DefaultLimits(info)
	tiny.Pids = 3
	if err := Check(info, tiny, 1, 0); err == nil || !strings.Contains(err.Error(), "pids is 3, the least is 64") {
		t.Errorf("3 pids: got %v", err)
	}
}

func TestTheShareOfSocketsCountsInWhatFits(t *testing.T) {
	info := sandbox.Info{CPUs: 16, Memory: 16 << 30}
	l := sandbox.DefaultLimits(info)
	without := Workers(info, l, 0)
	l.Sockets = 256 << 20
	if got := Workers(info, l, 0); without != 3 || got != 2 {
		t.Errorf("%d sandboxes fit 12 GiB, with sockets %d; want 3 and 2", without, got)
	}
	err := Check(info, l, 3, 0)
	if err == nil ||
		!strings.HasPrefix(err.Error(), "3 workers × (memory 2 GiB + disk 2 GiB + sockets 256 MiB) = 12.75 GiB, but") {
		t.Errorf("got %v, want the sum spelled out", err)
	}
	a := &Admission{need: l.Whole(), usable: 12 << 30, held: 2 * l.Whole(), freed: make(chan struct{})}
	if _, ok := a.admit(sandbox.Others{}, 0); ok {
		t.Error("a third one is let in")
	}
	a.need, a.held = a.need-l.Sockets, a.held-2*l.Sockets
	if _, ok := a.admit(sandbox.Others{}, 0); !ok {
		t.Error("control: without the sockets a third one is not let in")
	}
}
