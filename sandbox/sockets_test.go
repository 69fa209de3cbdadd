package sandbox

import (
	"strings"
	"testing"
)

func TestSocketsHaveAShareWhereNoCgroupCountsThem(t *testing.T) {
	for _, c := range []struct {
		name, version, runtime string
		memory, want           int64
	}{
		{"version 1", "1", "", 2 << 30, 256 << 20},
		{"version 1, little memory", "1", "runc", 64 << 20, 32 << 20},
		{"version 2 counts them", "2", "", 2 << 30, 0},
		{"gVisor's are its own memory", "1", "runsc-kvm", 2 << 30, 0},
	} {
		if got := SocketShare(c.memory, c.runtime, Info{CgroupVersion: c.version}); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

func TestTheShareOfSocketsCountsInWhatFits(t *testing.T) {
	info := Info{CPUs: 16, Memory: 16 << 30}
	l := DefaultLimits(info)
	without := Workers(info, l, 0)
	l.Sockets = 256 << 20
	if got := Workers(info, l, 0); without != 3 || got != 2 {
		t.Errorf("%d sandboxes fit 12 GiB, with sockets %d; want 3 and 2", without, got)
	}
	err := Check(info, l, 3, 0)
	if err == nil || !strings.HasPrefix(err.Error(), "3 workers × (memory 2GiB + disk 2GiB + sockets 256MiB) = 12.75GiB, but") {
		t.Errorf("got %v, want the sum spelled out", err)
	}
	a := &Admission{need: l.whole(), usable: 12 << 30, held: 2 * l.whole(), freed: make(chan struct{})}
	if _, ok := a.take(others{}); ok {
		t.Error("a third one is let in")
	}
	a.need, a.held = a.need-l.Sockets, a.held-2*l.Sockets
	if _, ok := a.take(others{}); !ok {
		t.Error("control: without the sockets a third one is not let in")
	}
}
