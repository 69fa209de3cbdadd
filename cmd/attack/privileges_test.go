package attack

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"vivarium/images/imagestest"
)

// unheardOf are the errors of a kernel that does not have a call or a family at all: there the control cannot work, and
// nothing is there to be kept from.
var unheardOf = []string{"ENOSYS", "EAFNOSUPPORT"}

// insideGVisor says what holds instead where gVisor's own kernel has a feature that the profile refuses: it is that
// kernel's, which has no way to the machine's but the few calls that its own filter passes.
var insideGVisor = map[string]string{
	"seccomp": "gVisor's kernel is the filter; the profile is for the machine's",
	"ptrace":  "gVisor's own ptrace, which reaches processes of the sandbox only",
}

// TestPrivileges asks the kernel for what a build must not have.
func TestPrivileges(t *testing.T) {
	w := theWorld(t)
	open := w.inTheOpen(t, "privileges.py", nil)
	setup, tests := w.inSandbox(t, "privileges.py", nil)
	gvisor := imagestest.GVisor()
	for _, name := range slices.Sorted(maps.Keys(open)) {
		attack(t, name, open[name].tried, func(t *testing.T, l *line) {
			l.control = worksInTheOpen(t, open[name])
			for phase, r := range map[string]result{"setup.py": setup[name], "tests": tests[name]} {
				instead, known := insideGVisor[name]
				switch {
				case r.outcome == "refused":
					l.outcome = fmt.Sprintf("refused (%s) in setup.py and tests", r.detail)
				case r.outcome == "worked" && gvisor && known:
					l.outcome = instead
				default:
					t.Errorf("in %s it %s (%s)", phase, r.outcome, r.detail)
				}
			}
		})
	}
}

// worksInTheOpen is the control: the same attack has its way where nothing is in its way.
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
