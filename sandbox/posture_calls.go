package sandbox

import (
	"maps"
	"slices"
	"strings"
)

// refusedCalls are the system calls that posture.py makes and that no build needs. A filter refuses them whatever their
// arguments are.
var refusedCalls = []string{
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
	"bpf", "io_uring_setup", "io_uring_enter", "io_uring_register", "perf_event_open", "userfaultfd",
	"keyctl", "add_key", "request_key",
	"unshare", "setns", "clone of a user namespace", "mount", "umount2", "chroot", "open_tree", "fsconfig", "mount_setattr",
	"open_by_handle_at", "quotactl", "personality",
}

// refusedSockets are kinds that no build needs, each a part of the kernel that is less tried than TCP.
var refusedSockets = []string{"AF_ALG", "AF_VSOCK", "AF_PACKET", "AF_BLUETOOTH", "AF_TIPC"}

const filterRemedy = "the engine or its runtime must apply Vivarium's seccomp profile as it is"

// calls: gVisor's kernel answers them by itself, and asks the host for none of them.
func (j *judgement) calls() {
	if answer, ok := j.Calls["getpid"]; !ok || answer != "" {
		j.problem("what system calls builds can make cannot be told: the harmless one ends with %q", answer)
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

// refusal reports whether a call was refused before the kernel looked at what it asks for. runc makes ENOSYS of calls that are
// newer than a profile's newest, and a kernel of those that it lacks.
func refusal(answer string) bool {
	return answer == "EPERM" || answer == "EACCES" || answer == "ENOSYS" || answer == "signal 31" // SIGSYS
}

// sockets: a kind that cannot be opened is closed, whatever the error is.
func (j *judgement) sockets() {
	for _, name := range []string{"TCP", "UDP over IPv6", "Unix"} {
		if answer, ok := j.Sockets[name]; !ok || answer != "" && !(name == "UDP over IPv6" && answer == "EAFNOSUPPORT") {
			j.problem("builds cannot open a socket of the kind %s (%q): "+filterRemedy, name, answer)
		}
	}
	open := slices.DeleteFunc(slices.Clone(refusedSockets), func(name string) bool { return j.Sockets[name] != "" })
	if len(open) > 0 {
		j.problem("builds can open sockets that they do not need (%s): "+filterRemedy, strings.Join(open, ", "))
	}
}

// closed are paths that tell of the host or reach into its kernel, whatever the settings ask for.
var closed = []string{
	"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/timer_stats", "/proc/latency_stats", "/proc/sched_debug",
	"/proc/scsi", "/proc/acpi", "/proc/asound", "/proc/kmsg", "/sys/firmware", "/sys/devices/virtual/powercap",
}

func (j *judgement) closedPaths() {
	open := slices.DeleteFunc(slices.Clone(closed), func(path string) bool {
		shown := j.Shown[path]
		return shown == "absent" || shown == "refused" || shown == "empty"
	})
	if len(open) > 0 {
		j.problem("builds can look into %s: the engine must mask the paths that it is told to mask", strings.Join(open, ", "))
	}
}

// engineDevices are those that every container has. Below /dev/pts there are terminals of the container's own.
var engineDevices = []string{
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/console", "/dev/ptmx",
}

// gvisorDevices are answered by gVisor's own kernel: its network has no way out, and its FUSE serves its own processes.
var gvisorDevices = []string{"/dev/net/tun", "/dev/fuse"}

func (j *judgement) devices() {
	if j.Devices["/dev/null"] != "character" {
		j.problem("what devices builds have cannot be told: /dev/null is none")
	}
	for _, path := range slices.Sorted(maps.Keys(j.Devices)) {
		known := slices.Contains(engineDevices, path) || strings.HasPrefix(path, "/dev/pts/") || j.gvisor && slices.Contains(gvisorDevices, path)
		if j.Devices[path] == "block" || !known {
			j.problem("builds have the %s device %s: the engine must give a container no device of the host's", j.Devices[path], path)
		}
	}
}

// names: a sandbox has a name of its own, and knows nobody else's.
func (j *judgement) names() {
	config, _ := Settings(j.spec, j.info)
	if j.Hostname != config.Hostname {
		j.problem("builds run on the host name %q in place of %q: the engine must give a container a UTS namespace of its own",
			j.Hostname, config.Hostname)
	}
	if j.Files["/etc/hosts"] == "" {
		j.problem("the hosts that builds know by name cannot be told: the engine must write /etc/hosts")
	}
	for line := range strings.Lines(j.Files["/etc/hosts"]) {
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) > 0 && !ownAddress(fields[0]) {
			j.problem("builds know a host by name (%s): the engine must add no hosts to a container", strings.Join(fields[1:], " "))
		}
	}
}
