package sandbox

// minSockets is what the sockets of any sandbox may hold. On loopback, one connection whose reader
// waits takes up to 9 MiB (measured with Linux 6.18).
const minSockets = 32 << 20

// SocketShare is how much memory, in bytes, the TCP and UDP sockets of a sandbox may take beyond
// its memory limit. It is zero where the limit includes that memory. Version 1 of cgroups charges
// it to nobody: 300 connections held 2.5 GiB of the host's. That version has no limit for UDP. It
// has one for TCP, but runc 1.1 accepts the setting (KernelMemoryTCP) without a word and does not
// apply it. So vivarium-init watches the sockets. gVisor's sockets are in its own memory, which the
// cgroup counts.
func SocketShare(memory int64, runtime string, info Info) int64 {
	if info.CgroupVersion != "1" || IsGVisor(runtime) {
		return 0
	}
	return max(minSockets, memory/8)
}

// Whole is all that one sandbox may take of the engine's memory.
func (l Limits) Whole() int64 { return l.Memory + l.Disk + l.Sockets }
