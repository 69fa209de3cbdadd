package attack

import (
	"maps"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestBounds checks each bound of the container from inside.
func TestBounds(t *testing.T) {
	w := theWorld(t)
	machineSegment(t)
	open := w.inTheOpen(t, "bounds.py", nil)
	setup, tests := w.inSandbox(t, "bounds.py", nil)
	for _, name := range slices.Sorted(maps.Keys(open)) {
		attack(t, name, open[name].tried, func(t *testing.T, l *line) {
			l.control = worksInTheOpen(t, open[name])
			refusedTwice(t, l, name, "not so", setup[name], tests[name])
		})
	}
}

// machineSegment makes a System V shared memory segment on this machine, for bounds.py to look for.
func machineSegment(t *testing.T) {
	t.Helper()
	const key = 0x76697661 // the same as in bounds.py
	id, err := unix.SysvShmGet(key, 4096, unix.IPC_CREAT|0o666)
	if err != nil {
		t.Fatalf("make a shared memory segment: %v", err)
	}
	t.Cleanup(func() {
		if _, err := unix.SysvShmCtl(id, unix.IPC_RMID, nil); err != nil {
			t.Errorf("remove the shared memory segment: %v", err)
		}
	})
}
