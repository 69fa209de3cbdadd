package posture

import (
	"maps"
	"slices"
	"strings"

	"vivarium/sandbox"
)

// refusedCalls are the system calls that posture.py makes and that no build needs. A filter refuses
// them whatever their arguments.
var refusedCalls = []string{
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
	"bpf", "io_uring_setup", "io_uring_enter", "io_uring_register", "perf_event_open", "userfaultfd",
	"keyctl", "add_key", "request_key",
	"unshare", "setns", "clone of a user namespace", "mount", "umount2", "chroot", "open_tree", "fsconfig",
	"mount_setattr",
	"open_by_handle_at", "quotactl", "personality", "io_setup",
	"seccomp", "setsockopt of a filter",
}

// refusedSockets are kinds that no build needs. Each reaches a part of the kernel that is less
// tested than TCP, has a module loaded, or (netlink) takes memory that no limit counts.
var refusedSockets = []string{
	"AF_ALG", "AF_VSOCK", "AF_PACKET", "AF_BLUETOOTH", "AF_TIPC", "AF_NETLINK", "the machine's device events",
	"SCTP", "MPTCP", "SMC", "UDP-Lite", "L2TP", "ping",
}

const filterRemedy = "the engine or its runtime must apply Vivarium's seccomp profile as it is"

// calls: gVisor's kernel answers these calls itself, and passes none of them to the host.
func (j *judgement) calls() {
	if answer, ok := j.Calls["getpid"]; !ok || answer != "" {
		j.problem("it is not known which system calls builds can make: the harmless one ends with %q", answer)
	}
	through := slices.DeleteFunc(slices.Clone(refusedCalls), func(name string) bool {
		answer, tried := j.Calls[name]
		return tried && refusal(answer)
	})
	switch {
	case len(through) == 0:
	case j.gvisor && len(j.Calls) > 0:
		j.note("gVisor's kernel answers %s by itself", strings.Join(through, ", "))
	default:
		j.problem("builds can make system calls that they do not need (%s): "+filterRemedy, strings.Join(through, ", "))
	}
}

// refusal reports whether a call was refused before the kernel looked at what it asks for. ENOSYS
// comes from runc for calls that are newer than the newest in the profile, and from a kernel for
// calls that it lacks.
func refusal(answer string) bool {
	return answer == "EPERM" || answer == "EACCES" || answer == "ENOSYS" || answer == "signal 31" // SIGSYS
}

// sockets: a kind that cannot be opened is closed, whatever the error.
func (j *judgement) sockets() {
	for _, name := range []string{"TCP", "UDP over IPv6", "Unix"} {
		if answer, ok := j.Sockets[name]; !ok ||
			answer != "" && !(name == "UDP over IPv6" && answer == "EAFNOSUPPORT") {
			j.problem("builds cannot open a socket of the kind %s (%q): "+filterRemedy, name, answer)
		}
	}
	open := slices.DeleteFunc(slices.Clone(refusedSockets), func(name string) bool { return j.Sockets[name] != "" })
	switch {
	case len(open) == 0:
	case j.gvisor && len(j.Sockets) > 0: // its sockets' memory counts, and it loads no module
		j.note("gVisor's kernel opens sockets of %s by itself", strings.Join(open, ", "))
	default:
		j.problem("builds can open sockets that they do not need (%s): "+filterRemedy, strings.Join(open, ", "))
	}
}

// closed are paths that must be closed whatever the settings ask for. They tell about the machine
// (how it was started, its devices and keys, by counters what others on it do), or about its kernel
// (where code and data lie). Triggers on pressure keep a process from ending.
var closed = []string{
	"/proc/pressure",
	"/proc/kallsyms", "/proc/kcore", "/proc/kmsg", "/proc/modules", "/proc/vmallocinfo", "/proc/iomem",
	"/proc/ioports", "/proc/config.gz",
	"/proc/cmdline", "/proc/acpi", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/scsi", "/proc/keys",
	"/proc/key-users",
	"/proc/interrupts", "/proc/softirqs", "/proc/diskstats", "/proc/partitions", "/proc/swaps", "/proc/latency_stats",
	"/proc/sched_debug", "/proc/schedstat", "/proc/timer_list", "/proc/timer_stats", "/proc/slabinfo",
	"/proc/buddyinfo",
	"/proc/pagetypeinfo", "/proc/zoneinfo", "/proc/sysrq-trigger",
	"/sys/block", "/sys/bus", "/sys/class/dmi", "/sys/class/thermal", "/sys/firmware", "/sys/kernel", "/sys/module",
	"/sys/power",
	"/sys/devices/virtual/dmi", "/sys/devices/virtual/powercap", "/sys/fs/bpf",
}

// closedPaths: gVisor's kernel shows itself there, and nothing of the machine.
func (j *judgement) closedPaths() {
	if j.gvisor {
		return
	}
	open := slices.DeleteFunc(slices.Clone(closed), func(path string) bool {
		shown := j.Shown[path]
		return shown == "absent" || shown == "refused" || shown == "empty"
	})
	if len(open) > 0 {
		j.problem("builds can look into %s: the engine must mask the paths that it is told to mask",
			strings.Join(open, ", "))
	}
}

// engineDevices are the devices of every container. Below /dev/pts there are only the container's
// own terminals.
var engineDevices = []string{
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/console", "/dev/ptmx",
}

// gvisorDevices are devices of gVisor's own kernel: its network has no way out, and its FUSE serves
// its own processes.
var gvisorDevices = []string{"/dev/net/tun", "/dev/fuse"}

func (j *judgement) devices() {
	if j.Devices["/dev/null"] != "character" {
		j.problem("it is not known which devices builds have: /dev/null is none")
	}
	for _, path := range slices.Sorted(maps.Keys(j.Devices)) {
		known := slices.Contains(engineDevices, path) || strings.HasPrefix(path, "/dev/pts/") ||
			j.gvisor && slices.Contains(gvisorDevices, path)
		if j.Devices[path] == "block" || !known {
			j.problem("builds have the %s device %s: the engine must give a container no device of the host's",
				j.Devices[path], path)
		}
	}
}

// names: a sandbox has a host name of its own, and knows no other names.
func (j *judgement) names() {
	config, _ := sandbox.Settings(j.spec, j.info)
	if j.Hostname != config.Hostname {
		j.problem("builds have the host name %q in place of %q: the engine must give a container a UTS namespace of "+
			"its own", j.Hostname, config.Hostname)
	}
	if j.Files["/etc/hosts"] == "" {
		j.problem("it is not known which hosts builds know by name: the engine must write /etc/hosts")
	}
	for line := range strings.Lines(j.Files["/etc/hosts"]) {
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) > 0 && !ownAddress(fields[0]) {
			j.problem("builds know a host by name (%s): the engine must add no hosts to a container",
				strings.Join(fields[1:], " "))
		}
	}
}
