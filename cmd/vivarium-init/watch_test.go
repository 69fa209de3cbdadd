//go:build linux

package main

import (
	"testing"
	"time"

	"vivarium/sandbox/wire"
)

const mib = 1 << 20

func of(path string, used, free int64) use {
	return use{path: path, usedBytes: used, freeBytes: free, usedFiles: 10, freeFiles: 100_000}
}

func newTestWatch() *watch { return newWatch(&wire.Hello{Disk: 1000 * mib, Inodes: 200_000}) }

func TestLookNamesTheMountThatIsFull(t *testing.T) {
	w := newTestWatch()
	w.look([]use{of("/a", 0, 1000*mib), of("/b", 0, 1000*mib)})
	w.look([]use{of("/a", 900*mib, 100*mib), of("/b", 0, 1000*mib)})
	if w.full != "" {
		t.Errorf("%s is named full with 100 MiB left", w.full)
	}
	w.look([]use{of("/a", 999*mib, 1*mib), of("/b", 0, 1000*mib)})
	w.look([]use{of("/a", 0, 1000*mib), of("/b", 0, 1000*mib)})
	if w.full != "/a" || w.inodesFull || w.peakBytes != 999*mib {
		t.Errorf("full %q, of inodes %t, peak %d MiB; want /a, 999", w.full, w.inodesFull, w.peakBytes/mib)
	}
}

func TestLookNamesTheMountWithoutInodes(t *testing.T) {
	w := newTestWatch()
	a := of("/a", 0, 1000*mib)
	a.usedFiles, a.freeFiles = 100_000, 0
	if w.look([]use{of("/b", 0, mib*1000), a}); w.full != "/a" || !w.inodesFull {
		t.Errorf("full %q, of inodes %t; want /a, by its inodes", w.full, w.inodesFull)
	}
}

func TestLookTellsFilesFromBytesWhenTheSumIsExceeded(t *testing.T) {
	w := newTestWatch()
	a, b := of("/a", 0, 1000*mib), of("/b", 900*mib, 100*mib)
	w.look([]use{a, b})
	a.usedFiles = 200_001
	if _, exceeded := w.look([]use{a, b}); !exceeded || w.full != "/a" || !w.inodesFull {
		t.Errorf("exceeded %t, full %q, of inodes %t; want /a, by its inodes", exceeded, w.full, w.inodesFull)
	}
}

func TestTerminalsAreCounted(t *testing.T) {
	w := newTestWatch()
	if w.countTerminals(wire.MaxTerminals) || w.full != "" {
		t.Errorf("the limit itself is reported as exceeded: %q", w.full)
	}
	if !w.countTerminals(wire.MaxTerminals+1) || w.full != wire.Terminals {
		t.Errorf("full %q, want %s", w.full, wire.Terminals)
	}
}

func TestLookReportsWhenTheSumIsExceeded(t *testing.T) {
	w := newTestWatch()
	w.look([]use{of("/a", 0, 1000*mib), of("/b", 0, 1000*mib)})
	if _, exceeded := w.look([]use{of("/a", 400*mib, 600*mib), of("/b", 600*mib, 400*mib)}); exceeded {
		t.Error("the limit itself is reported as exceeded")
	}
	if _, exceeded := w.look([]use{of("/a", 401*mib, 599*mib), of("/b", 600*mib, 400*mib)}); !exceeded ||
		w.full != "/b" {
		t.Errorf("exceeded %t, full %q; want /b, which holds most", exceeded, w.full)
	}
}

func TestLookLetsACommandCleanUp(t *testing.T) {
	w := newTestWatch()
	for _, used := range []int64{700, 600} {
		if _, exceeded := w.look([]use{of("/a", used*mib, 300*mib), of("/b", 400*mib, 600*mib)}); exceeded {
			t.Errorf("exceeded with %d MiB, having begun with more", used)
		}
	}
	if _, exceeded := w.look([]use{of("/a", 701*mib, 299*mib), of("/b", 400*mib, 600*mib)}); !exceeded {
		t.Error("a command that adds to what is too much goes on")
	}
}

func TestTheLessIsLeftTheSoonerTheNextLook(t *testing.T) {
	for _, c := range []struct {
		left int64
		want time.Duration
	}{
		{800 * mib, slowest},
		{40 * mib, 40 * time.Second / 4096},
		{0, quickest},
	} {
		if got, _ := newTestWatch().look([]use{of("/a", 0, c.left)}); got != c.want {
			t.Errorf("%d MiB left: next look after %v, want %v", c.left/mib, got, c.want)
		}
	}
}

func TestFiguresOfBothCgroupVersionsAreRead(t *testing.T) {
	for _, c := range []struct {
		text, name string
		want       int64
	}{
		{"low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 0\n", "oom_kill", 2},
		{"oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "oom_kill", 3},
		{"max 12\n", "max", 12},
		{"total_rss_huge 5\ntotal_rss 4096\n", "total_rss", 4096},
		{"max many\n", "max", 0},
		{"", "max", 0},
	} {
		if got := parseFigure([]byte(c.text), c.name); got != c.want {
			t.Errorf("%s of %q: got %d, want %d", c.name, c.text, got, c.want)
		}
	}
}

func TestDeadlineCanBeMovedUntilItHasPassed(t *testing.T) {
	d := newDeadline()
	for _, ttl := range []time.Duration{time.Millisecond, time.Hour, time.Millisecond} {
		if err := d.set(ttl); err != nil && ttl != time.Hour {
			t.Fatal(err)
		}
	}
	<-d.passed
	if err := d.set(time.Hour); err == nil {
		t.Error("a deadline that has passed was moved")
	}
}

func TestTasksAreCountedWhereNoKernelDoes(t *testing.T) {
	w := newWatch(&wire.Hello{Pids: 100})
	tasks := func(n int64) usage { return usage{n, 1 << 30, 1 << 30} }
	if next, exceeded := w.count(tasks(100)); exceeded || w.pidsStruck || next != quickest {
		t.Errorf("as many as allowed: %v, %v, struck %v", next, exceeded, w.pidsStruck)
	}
	if _, exceeded := w.count(tasks(101)); !exceeded || !w.pidsStruck || w.outOfMemory {
		t.Errorf("one more: exceeded %v, struck %v", exceeded, w.pidsStruck)
	}
	if w.count(tasks(20)); !w.pidsStruck {
		t.Error("that the limit struck is forgotten")
	}
}

func TestMemoryIsWatchedWhereTheKernelsEndIsTheSandboxs(t *testing.T) {
	const total, small = 1 << 30, 160 << 20
	for name, c := range map[string]struct {
		usage
		out  bool
		next time.Duration
	}{
		"much is left":            {usage{1, total, total / 2}, false, timeToFill(28, forkRate)},
		"little is left":          {usage{1, total, spareMemory + 8<<20}, false, timeToFill(8<<20, allocRate)},
		"all but the spare":       {usage{1, total, spareMemory}, false, quickest},
		"less":                    {usage{1, total, spareMemory - 1}, true, quickest},
		"a small sandbox":         {usage{1, small, small/8 + 8<<20}, false, timeToFill(8<<20, allocRate)},
		"less of a small one":     {usage{1, small, small/8 - 1}, true, quickest},
		"a kernel that is silent": {usage{}, false, quickest},
	} {
		w := newWatch(&wire.Hello{Pids: 29})
		w.held = 1 << 20
		next, exceeded := w.count(c.usage)
		if exceeded != c.out || w.outOfMemory != c.out || w.pidsStruck || next != c.next {
			t.Errorf("%s: exceeded %v, next look in %s; want %v, %s", name, exceeded, next, c.out, c.next)
		}
		if want := max(c.memory-c.free-w.held, 0); w.peakAnon != want {
			t.Errorf("%s: the peak is %d, want %d without what files hold", name, w.peakAnon, want)
		}
	}
}
