package attack

import (
	"maps"
	"slices"
	"testing"
)

// TestMachine checks what the kernel's own files tell of the machine.
func TestMachine(t *testing.T) {
	w := theWorld(t)
	open := w.inTheOpen(t, "machine.py", nil)
	setup, tests := w.inSandbox(t, "machine.py", nil)
	for _, name := range slices.Sorted(maps.Keys(open)) {
		attack(t, name, open[name].tried, func(t *testing.T, l *line) {
			l.control = tellsInTheOpen(t, name, open[name])
			refusedTwice(t, l, name, "not told", setup[name], tests[name])
		})
	}
}

// tellsInTheOpen is the control. Every kernel has most of these files, but not every kernel has all
// of them.
func tellsInTheOpen(t *testing.T, name string, r result) string {
	t.Helper()
	always := []string{"command-line", "interrupts", "modules", "kernel", "buses", "disks", "name-server"}
	if r.outcome == "refused" && !slices.Contains(always, name) {
		return "this kernel has none (" + r.detail + ")"
	}
	return worksInTheOpen(t, r)
}
