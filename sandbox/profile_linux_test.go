package sandbox

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// forbidden are system calls that a sandbox does without, although the engine's default profile
// allows them or a later one might.
var forbidden = []string{
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
	"io_uring_setup", "io_uring_enter", "io_uring_register",
	"bpf", "keyctl", "add_key", "request_key", "perf_event_open", "userfaultfd",
	"socketcall", "ipc", // 32-bit; their arguments cannot be filtered
}

// asynchronous is Linux's old asynchronous I/O. Its open requests count against one figure for the
// whole machine (fs.aio-max-nr, 65536), which one build can use up. To programs ENOSYS means a
// kernel without it, and they do without.
var asynchronous = []string{
	"io_setup", "io_destroy", "io_submit", "io_cancel", "io_getevents", "io_pgetevents", "io_pgetevents_time64",
}

// hugePages are the calls that can take huge pages, by the argument and the bit in it that
// ask for them. No cgroup that an engine sets counts them. ENOMEM is what the kernel
// answers when it has none, as most machines have.
var hugePages = []struct {
	call string
	arg  uint
	bit  uint64
}{
	{"mmap", 3, unix.MAP_HUGETLB},
	{"memfd_create", 1, unix.MFD_HUGETLB},
	{"shmget", 2, 0o4000}, // SHM_HUGETLB (linux/shm.h)
}

// deriveProfile narrows the engine's default profile: no rule that depends on a capability (there
// are none), no 32-bit architecture, no forbidden call, none that an engine refuses by itself.
// Rules of our own are added for calls that are decided by their arguments.
func deriveProfile(t *testing.T, p *seccomp.Seccomp) *seccomp.Seccomp {
	ruled := slices.Concat(forbidden, asynchronous, socketCalls, filterCalls, []string{"prlimit64", "setrlimit"})
	for _, huge := range hugePages {
		ruled = append(ruled, huge.call)
	}
	engines := engineProfiles(t)
	var rules []*seccomp.Syscall
	for _, rule := range p.Syscalls {
		if rule.Includes != nil && len(rule.Includes.Caps) > 0 {
			continue
		}
		rule.Names = slices.DeleteFunc(slices.Clone(rule.Names), func(name string) bool {
			return slices.Contains(ruled, name) || rule.Action == specs.ActAllow && refusedBySome(engines, name)
		})
		if len(rule.Names) > 0 {
			rules = append(rules, rule)
		}
	}
	rules = append(rules, socketRules()...)
	rules = append(rules, filterRules()...)
	rules = append(rules, refuse("no asynchronous I/O", unix.ENOSYS, asynchronous))
	for _, huge := range hugePages {
		rules = append(rules,
			allow("pages of the usual size", []string{huge.call}, hasNot(huge.arg, huge.bit)),
			refuse("huge pages", unix.ENOMEM, []string{huge.call}, hasBit(huge.arg, huge.bit)))
	}
	p.Syscalls = append(rules, limitRules()...)
	p.ArchMap = []seccomp.Architecture{{Arch: specs.ArchX86_64}, {Arch: specs.ArchAARCH64}}
	return p
}

// limitRules let a process set its own limits, and read those of others: a limit set on PID 1 from
// inside would end it.
//
// The limit of core files stays at the byte that Settings gives it, since with any other a crash
// can start a program of the machine's, as root. Programs set it to 0 for fear of their secrets:
// they are told that it worked (an error of 0), and get no core file either way.
func limitRules() []*seccomp.Syscall {
	set, both := []string{"setrlimit"}, []string{"prlimit64"}
	rules := []*seccomp.Syscall{
		refuse("core files stay off", 0, set, is(0, unix.RLIMIT_CORE)),
		refuse("core files stay off", 0, both, is(0, 0), is(1, unix.RLIMIT_CORE), isAbove(2, 0)),
		allow("own limits, only reading", both, is(0, 0), is(1, unix.RLIMIT_CORE), is(2, 0)),
		allow("only reading", both, is(2, 0)),
	}
	for _, r := range otherLimits {
		rules = append(rules,
			allow("own limits", set, isMasked(0, r.mask, r.value)),
			allow("own limits", both, is(0, 0), isMasked(1, r.mask, r.value)))
	}
	return rules
}

// otherLimits are the 16 limits of Linux but RLIMIT_CORE, which is 4: 0 to 3, 5, 6 and 7, 8 to 15.
// They are not written as "all but 4", since the kernel looks only at the lower half of the
// argument.
var otherLimits = []struct{ mask, value uint64 }{{^uint64(3), 0}, {^uint64(0), 5}, {^uint64(1), 6}, {^uint64(7), 8}}

// allow and refuse are rules that hold when all conditions do. There is at most one condition for
// an argument, since runc takes several as alternatives. The rules for one call must not contradict
// each other, since libseccomp does not define which of two that fit decides.
func allow(comment string, names []string, conditions ...specs.LinuxSeccompArg) *seccomp.Syscall {
	return &seccomp.Syscall{
		LinuxSyscall: specs.LinuxSyscall{Names: names, Action: specs.ActAllow, Args: conditions},
		Comment:      comment,
	}
}

func refuse(comment string, with unix.Errno, names []string, conditions ...specs.LinuxSeccompArg) *seccomp.Syscall {
	ret := uint(with)
	return &seccomp.Syscall{
		LinuxSyscall: specs.LinuxSyscall{Names: names, Action: specs.ActErrno, ErrnoRet: &ret, Args: conditions},
		Comment:      comment,
	}
}

func is(arg uint, value uint64) specs.LinuxSeccompArg {
	return specs.LinuxSeccompArg{Index: arg, Value: value, Op: specs.OpEqualTo}
}

func isAbove(arg uint, value uint64) specs.LinuxSeccompArg {
	return specs.LinuxSeccompArg{Index: arg, Value: value, Op: specs.OpGreaterThan}
}

// isMasked compares the bits of the mask only.
func isMasked(arg uint, mask, value uint64) specs.LinuxSeccompArg {
	return specs.LinuxSeccompArg{Index: arg, Value: mask, ValueTwo: value, Op: specs.OpMaskedEqual}
}

func hasBit(arg uint, bit uint64) specs.LinuxSeccompArg { return isMasked(arg, bit, bit) }
func hasNot(arg uint, bit uint64) specs.LinuxSeccompArg { return isMasked(arg, bit, 0) }

func TestSeccompProfileIsTheDefaultMadeNarrower(t *testing.T) {
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetIndent("", "\t")
	if err := enc.Encode(deriveProfile(t, seccomp.DefaultProfile())); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("seccomp.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("seccomp.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("seccomp.json is not what the default profile gives; run: go test ./sandbox -run Seccomp -update")
	}
}
