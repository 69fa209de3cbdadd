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

// forbidden are system calls that the engine's default profile allows, or that a later
// one might, and that a sandbox does without.
var forbidden = []string{
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
	"io_uring_setup", "io_uring_enter", "io_uring_register",
	"bpf", "keyctl", "add_key", "request_key", "perf_event_open", "userfaultfd",
	"socketcall", // 32-bit; its arguments cannot be filtered
	"socket", "prlimit64",
}

// deriveProfile narrows the engine's default profile: no rule that depends on a
// capability (there are none), no 32-bit architecture, no forbidden call, and sockets
// of four families only.
func deriveProfile(p *seccomp.Seccomp) *seccomp.Seccomp {
	var rules []*seccomp.Syscall
	for _, rule := range p.Syscalls {
		if rule.Includes != nil && len(rule.Includes.Caps) > 0 {
			continue
		}
		rule.Names = slices.DeleteFunc(slices.Clone(rule.Names), func(n string) bool { return slices.Contains(forbidden, n) })
		if len(rule.Names) > 0 {
			rules = append(rules, rule)
		}
	}
	for _, family := range []uint64{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK} {
		rules = append(rules, allowWhen("socket", "", 0, family))
	}
	// A process may set its own limits, and read those of others: a limit set on PID 1
	// from inside would end it.
	rules = append(rules,
		allowWhen("prlimit64", "own limits", 0, 0),
		allowWhen("prlimit64", "only reading", 2, 0))
	p.Syscalls = rules
	p.ArchMap = []seccomp.Architecture{{Arch: specs.ArchX86_64}, {Arch: specs.ArchAARCH64}}
	return p
}

func allowWhen(name, comment string, arg uint, value uint64) *seccomp.Syscall {
	return &seccomp.Syscall{
		LinuxSyscall: specs.LinuxSyscall{
			Names:  []string{name},
			Action: specs.ActAllow,
			Args:   []specs.LinuxSeccompArg{{Index: arg, Value: value, Op: specs.OpEqualTo}},
		},
		Comment: comment,
	}
}

func TestSeccompProfileIsTheDefaultMadeNarrower(t *testing.T) {
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetIndent("", "\t")
	if err := enc.Encode(deriveProfile(seccomp.DefaultProfile())); err != nil {
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
