package sandbox

// minSockets is what any sandbox's sockets may hold: loopback takes up to 9 MiB for one connection whose reader waits
// (measured with Linux 6.18).
const minSockets = 32 << 20

// SocketShare is the memory, bytes, that the TCP and UDP sockets of a sandbox with so much memory may take beyond its limit;
// zero where the limit holds it. Version 1 of cgroups charges it to nobody: 300 connections held 2.5 GiB of the host's. It
// has a limit for TCP, but runc 1.1 takes that one (KernelMemoryTCP) without a word and does not set it, and none for UDP. So vivarium-init
// watches it. gVisor's sockets are in its own memory, which the cgroup counts.
func SocketShare(memory int64, runtime string, info Info) int64 {
	if info.CgroupVersion != "1" || IsGVisor(runtime) {
		return 0
	}
	return max(minSockets, memory/8)
}

// Whole is what one sandbox may take of the engine's memory.
func (l Limits) Whole() int64 { return l.Memory + l.Disk + l.Sockets }
