package sandbox

import (
	"math/bits"
	"slices"
	"testing"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// filterOptions are the options of SOL_SOCKET that attach a program of BPF. The kernel translates
// each for the processor, in memory that it bounds for the whole machine (net.core.bpf_jit_limit)
// and charges to nobody: 200 sockets with 4000 instructions each took 9.4 MB. When that memory is
// used up, no container with a profile starts.
var filterOptions = []uint64{
	unix.SO_ATTACH_FILTER,
	unix.SO_ATTACH_BPF,
	unix.SO_ATTACH_REUSEPORT_CBPF,
	unix.SO_ATTACH_REUSEPORT_EBPF,
}

// filterCalls are the calls that take a program of BPF.
var filterCalls = []string{"setsockopt", "seccomp", "prctl"}

// filterRules allow these calls whenever they take no program. With one they fail as on a kernel
// without filters.
func filterRules() []*seccomp.Syscall {
	socketOption, control := []string{"setsockopt"}, []string{"prctl"}
	rules := []*seccomp.Syscall{refuse("no filters of BPF", unix.ENOSYS, []string{"seccomp"})}
	for _, other := range intBut(1, unix.SOL_SOCKET) {
		rules = append(rules, allow("another level", socketOption, other))
	}
	for _, other := range intBut(2, filterOptions...) {
		rules = append(rules, allow("takes no filter", socketOption, isInt(1, unix.SOL_SOCKET), other))
	}
	for _, option := range filterOptions {
		rules = append(rules,
			refuse("no filters of BPF", unix.EPERM, socketOption, isInt(1, unix.SOL_SOCKET), isInt(2, option)))
	}
	for _, other := range intBut(0, unix.PR_SET_SECCOMP) {
		rules = append(rules, allow("takes no filter", control, other))
	}
	return append(rules, refuse("no filters of BPF", unix.EINVAL, control, isInt(0, unix.PR_SET_SECCOMP)))
}

// intMask are the bits that the kernel looks at of an argument that is an int.
const intMask = 1<<32 - 1

func isInt(arg uint, value uint64) specs.LinuxSeccompArg { return isMasked(arg, intMask, value) }

// intBut returns conditions of which exactly one holds for each int but the given ones. It halves
// the ints, by the highest bit first, until a half has none of the given.
func intBut(arg uint, values ...uint64) (conditions []specs.LinuxSeccompArg) {
	var split func(mask, high uint64)
	split = func(mask, high uint64) {
		if !slices.ContainsFunc(values, func(v uint64) bool { return v&mask == high }) {
			conditions = append(conditions, isMasked(arg, mask, high))
			return
		}
		if left := intMask &^ mask; left != 0 {
			bit := uint64(1) << (bits.Len64(left) - 1)
			split(mask|bit, high)
			split(mask|bit, high|bit)
		}
	}
	split(0, 0)
	return conditions
}

func TestProfileTakesNoProgramOfBPF(t *testing.T) {
	p := loadProfile(t)
	refused := map[string][]uint64{ // by option
		"setsockopt": {26, 50, 51, 52},
		"prctl":      {22},
	}
	errors := map[string]unix.Errno{"setsockopt": unix.EPERM, "prctl": unix.EINVAL}
	for call, options := range refused {
		calls := only(p, call)
		for option := range uint64(300) {
			for _, high := range []uint64{0, 1 << 32, ^uint64(intMask)} {
				args := []uint64{option | high, 2}
				if call == "setsockopt" {
					args = []uint64{3, unix.SOL_SOCKET | high, option | high}
				}
				want := unix.Errno(0)
				if slices.Contains(options, option) {
					want = errors[call]
				}
				if got := decide(calls, call, args...); got != want {
					t.Errorf("%s%#x: %v, want %v", call, args, got, want)
				}
			}
		}
	}
	for operation := range uint64(4) {
		if got := decide(p, "seccomp", operation); got != unix.ENOSYS {
			t.Errorf("seccomp(%d): %v, want %v", operation, got, unix.ENOSYS)
		}
	}
}

// TestProfileLetsOtherOptionsBeSet is the control, with options that programs set on sockets and on
// themselves.
func TestProfileLetsOtherOptionsBeSet(t *testing.T) {
	const minusOne = ^uint64(0)
	p := loadProfile(t)
	for what, c := range map[string]struct {
		call string
		args []uint64
	}{
		"an address that is used again": {"setsockopt", []uint64{3, unix.SOL_SOCKET, unix.SO_REUSEADDR}},
		"a filter that is taken off":    {"setsockopt", []uint64{3, unix.SOL_SOCKET, unix.SO_DETACH_FILTER}},
		"an option of TCP by number 26": {"setsockopt", []uint64{3, unix.IPPROTO_TCP, 26}},
		"IPv6 alone":                    {"setsockopt", []uint64{3, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY}},
		"a level that is none":          {"setsockopt", []uint64{3, minusOne, minusOne}},
		"a name":                        {"prctl", []uint64{unix.PR_SET_NAME}},
		"a signal at the parent's end":  {"prctl", []uint64{unix.PR_SET_PDEATHSIG, 9}},
		"a name for memory":             {"prctl", []uint64{unix.PR_SET_VMA}},
		"whether there is a filter":     {"prctl", []uint64{unix.PR_GET_SECCOMP}},
	} {
		if got := decide(p, c.call, c.args...); got != 0 {
			t.Errorf("%s: %v", what, got)
		}
	}
}
