package attack

import (
	"maps"
	"slices"
	"testing"
)

// unheardOf are the errors of a kernel that does not have a call or a family at all. There the
// control cannot work, and there is nothing to refuse.
var unheardOf = []string{"ENOSYS", "EAFNOSUPPORT"}

// TestPrivileges asks the kernel for what a build must not have.
func TestPrivileges(t *testing.T) {
	w := theWorld(t)
	open := w.inTheOpen(t, "privileges.py", nil)
	setup, tests := w.inSandbox(t, "privileges.py", nil)
	for _, name := range slices.Sorted(maps.Keys(open)) {
		attack(t, name, open[name].tried, func(t *testing.T, l *line) {
			l.control = worksInTheOpen(t, open[name])
			refusedTwice(t, l, name, "refused", setup[name], tests[name])
		})
	}
}

// worksInTheOpen is the control: the same attack works where nothing is in its way.
func worksInTheOpen(t *testing.T, r result) string {
	t.Helper()
	switch {
	case r.outcome == "worked":
		return "works in an open container"
	case r.outcome == "refused" && slices.Contains(unheardOf, r.detail):
		return "this kernel has none (" + r.detail + ")"
	}
	t.Errorf("control: in an open container it %s (%s), so that nothing is shown", r.outcome, r.detail)
	return ""
}
