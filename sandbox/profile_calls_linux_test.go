package sandbox

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// TestProfileLetsNoCallChangeTheLimitOfCoreFiles: a call that would change it does nothing, with an
// error of 0.
func TestProfileLetsNoCallChangeTheLimitOfCoreFiles(t *testing.T) {
	p := loadProfile(t)
	for limit := range uint64(16) {
		for call, args := range map[string][]uint64{"setrlimit": {limit, 1}, "prlimit64": {0, limit, 1}} {
			if made := isMade(p, call, args...); made != (limit != unix.RLIMIT_CORE) {
				t.Errorf("%s%v: made is %v", call, args, made)
			}
		}
	}
}

// isMade tells whether a call reaches the kernel.
func isMade(p *seccomp.Seccomp, name string, args ...uint64) bool {
	return slices.ContainsFunc(p.Syscalls, func(r *seccomp.Syscall) bool {
		return r.Action == specs.ActAllow && slices.Contains(r.Names, name) && fits(r.Args, args)
	})
}

// The tests here ask the containers' profile how it decides on a call, as an engine would for a
// container without capabilities.

func loadProfile(t *testing.T) *seccomp.Seccomp {
	t.Helper()
	var p seccomp.Seccomp
	if err := json.Unmarshal([]byte(seccompProfile), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

// decide gives the errno of a call on amd64, 0 when it is allowed.
func decide(p *seccomp.Seccomp, name string, args ...uint64) unix.Errno {
	return decideOn("amd64", p, name, args...)
}

// decideOn: the rules for one call may differ only in their arguments (libseccomp), so the first
// that fits decides.
func decideOn(arch string, p *seccomp.Seccomp, name string, args ...uint64) unix.Errno {
	for _, rule := range p.Syscalls {
		if slices.Contains(rule.Names, name) && isFor(arch, rule) && fits(rule.Args, args) {
			if rule.Action == specs.ActAllow {
				return 0
			}
			return errno(rule.ErrnoRet)
		}
	}
	return errno(p.DefaultErrnoRet)
}

func errno(ret *uint) unix.Errno {
	if ret == nil {
		return unix.EPERM // as the engines have it
	}
	return unix.Errno(*ret)
}

// isFor tells whether a rule is meant for an architecture, and for a container without
// capabilities.
func isFor(arch string, r *seccomp.Syscall) bool {
	included := r.Includes == nil ||
		len(r.Includes.Caps) == 0 && (len(r.Includes.Arches) == 0 || slices.Contains(r.Includes.Arches, arch))
	return included && (r.Excludes == nil || !slices.Contains(r.Excludes.Arches, arch))
}

func fits(conditions []specs.LinuxSeccompArg, args []uint64) bool {
	return !slices.ContainsFunc(conditions, func(c specs.LinuxSeccompArg) bool {
		var arg uint64
		if int(c.Index) < len(args) {
			arg = args[c.Index]
		}
		switch c.Op {
		case specs.OpEqualTo:
			return arg != c.Value
		case specs.OpNotEqual:
			return arg == c.Value
		case specs.OpGreaterThan:
			return arg <= c.Value
		case specs.OpLessThan:
			return arg >= c.Value
		case specs.OpMaskedEqual:
			return arg&c.Value != c.ValueTwo
		}
		return true // no other condition is known here: a rule with one allows nothing
	})
}

func TestProfileRefusesWhatNoBuildNeeds(t *testing.T) {
	p := loadProfile(t)
	for _, name := range append([]string{
		"setns", "unshare", "chroot", "pivot_root",
		"mount", "umount", "umount2", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick",
		"mount_setattr",
		"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
		"open_by_handle_at", "lookup_dcookie", "quotactl", "quotactl_fd", "acct", "swapon", "swapoff",
		"settimeofday", "clock_settime", "sethostname", "setdomainname", "syslog", "iopl", "ioperm", "fanotify_init",
		"vhangup",
		"a call of a later kernel",
	}, forbidden...) {
		if got := decide(p, name, 1<<40, 1<<40, 1<<40); got != unix.EPERM {
			t.Errorf("%s: %d (%v), want EPERM", name, got, got)
		}
	}
	for _, name := range []string{
		"read",
		"execve",
		"fork",
		"futex",
		"wait4",
		"bind",
		"memfd_create",
		"mmap",
		"shmget",
		"arch_prctl",
	} {
		if got := decide(p, name); got != 0 {
			t.Errorf("control: %s is refused: %v", name, got)
		}
	}
}

func TestProfileDecidesByArguments(t *testing.T) {
	const threadFlags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND |
		unix.CLONE_THREAD | unix.CLONE_SYSVSEM | unix.CLONE_SETTLS |
		unix.CLONE_PARENT_SETTID | unix.CLONE_CHILD_CLEARTID
	for _, tc := range []struct {
		what, call string
		args       []uint64
		want       unix.Errno
	}{
		{"a thread", "clone", []uint64{threadFlags}, 0},
		{"a process", "clone", []uint64{uint64(unix.SIGCHLD)}, 0},
		{"a user namespace", "clone", []uint64{unix.CLONE_NEWUSER}, unix.EPERM},
		{"a mount namespace", "clone", []uint64{unix.CLONE_NEWNS | threadFlags}, unix.EPERM},
		{"a network namespace", "clone", []uint64{unix.CLONE_NEWNET}, unix.EPERM},
		{"a PID namespace", "clone", []uint64{unix.CLONE_NEWPID}, unix.EPERM},
		{"an IPC namespace", "clone", []uint64{unix.CLONE_NEWIPC}, unix.EPERM},
		{"a UTS namespace", "clone", []uint64{unix.CLONE_NEWUTS}, unix.EPERM},
		{"a cgroup namespace", "clone", []uint64{unix.CLONE_NEWCGROUP}, unix.EPERM},
		// Its flags lie in memory, where no filter can look; C libraries then take clone.
		{"any clone3", "clone3", nil, unix.ENOSYS},
		{"asynchronous I/O", "io_setup", []uint64{1}, unix.ENOSYS},
		{"memory", "mmap", []uint64{0, 4096, unix.PROT_READ, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS}, 0},
		{
			"huge pages of memory",
			"mmap",
			[]uint64{0, 4096, unix.PROT_READ, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_HUGETLB},
			unix.ENOMEM,
		},
		{
			"huge pages of a size",
			"mmap",
			[]uint64{0, 4096, unix.PROT_READ, unix.MAP_PRIVATE | unix.MAP_HUGETLB | 30<<26},
			unix.ENOMEM,
		},
		{"a file in memory", "memfd_create", []uint64{0, unix.MFD_CLOEXEC}, 0},
		{"a file of huge pages", "memfd_create", []uint64{0, unix.MFD_CLOEXEC | unix.MFD_HUGETLB}, unix.ENOMEM},
		{"shared memory", "shmget", []uint64{0, 4096, 0o1600}, 0},
		{"shared memory of huge pages", "shmget", []uint64{0, 4096, 0o5600}, unix.ENOMEM},
		{"own limits", "prlimit64", []uint64{0, unix.RLIMIT_NOFILE, 0x7fff0000}, 0},
		{"reading another's limits", "prlimit64", []uint64{1, unix.RLIMIT_NOFILE, 0}, 0},
		{"own limits by the old call", "setrlimit", []uint64{unix.RLIMIT_NOFILE, 0x7fff0000}, 0},
		{"own core files, with a higher bit", "setrlimit", []uint64{unix.RLIMIT_CORE | 1<<32, 0x7fff0000}, unix.EPERM},
		{
			"own core files, with a higher bit",
			"prlimit64",
			[]uint64{0, unix.RLIMIT_CORE | 1<<32, 0x7fff0000},
			unix.EPERM,
		},
		{"reading the limit of core files", "prlimit64", []uint64{0, unix.RLIMIT_CORE, 0}, 0},
		{"setting another's limits", "prlimit64", []uint64{1, unix.RLIMIT_NOFILE, 0x7fff0000}, unix.EPERM},
		{"asking for the personality", "personality", []uint64{0xffffffff}, 0},
		{"addresses that are not random (ADDR_NO_RANDOMIZE)", "personality", []uint64{0x40000}, unix.EPERM},
	} {
		if got := decide(loadProfile(t), tc.call, tc.args...); got != tc.want {
			t.Errorf("%s: %d (%v), want %d (%v)", tc.what, got, got, tc.want, tc.want)
		}
	}
}

// Calls of other architectures are not looked up at all: the same number is another call there.
func TestProfileKnowsTwoArchitecturesAlone(t *testing.T) {
	p := loadProfile(t)
	if p.DefaultAction != specs.ActErrno || len(p.Architectures) > 0 || len(p.ArchMap) != 2 {
		t.Fatalf("default %s, architectures %v, %v", p.DefaultAction, p.Architectures, p.ArchMap)
	}
	for i, want := range []specs.Arch{specs.ArchX86_64, specs.ArchAARCH64} {
		if got := p.ArchMap[i]; got.Arch != want || len(got.SubArches) > 0 {
			t.Errorf("architecture %v with %v, want %v alone: no x32 and no 32-bit calls", got.Arch, got.SubArches,
				want)
		}
	}
}

// TestNarrowingRemovesMore is the control: the default profile decides differently.
func TestNarrowingRemovesMore(t *testing.T) {
	p := seccomp.DefaultProfile()
	for _, name := range []string{"ptrace", "process_vm_readv"} {
		if got := decide(p, name); got != 0 {
			t.Errorf("the default profile refuses %s: %v; is it still in the way?", name, got)
		}
	}
	if len(p.ArchMap) < 3 || len(p.ArchMap[0].SubArches) == 0 {
		t.Errorf("the default profile has no 32-bit architectures: %v", p.ArchMap)
	}
	narrow := loadProfile(t)
	for _, rule := range narrow.Syscalls {
		for _, name := range rule.Names {
			if !slices.ContainsFunc(p.Syscalls,
				func(r *seccomp.Syscall) bool { return slices.Contains(r.Names, name) }) {
				t.Errorf("%s is in the profile, but not in the default", name)
			}
		}
	}
}
