package sandbox

// What of /proc and /sys a build does not see. The lists are our own: an engine's default
// differs by version, and leaves out what is named here first.
//
// What stays is what programs ask for: CPUs, memory, load, mounts, the kernel's version, and
// the container's own cgroup.

// masked are files and folders that are empty inside. The runtime skips those that the kernel
// does not have. Each takes 13 µs at the start of a sandbox (47 were there, and took 0.6 ms).
var masked = []string{
	// A trigger on pressure is taken down by the kernel one by one, in milliseconds each: a
	// build that set some thousands of them stayed for a minute past its deadline.
	"/proc/pressure",
	// What tells where the kernel's code and data lie, or lets them be read.
	"/proc/kallsyms", "/proc/kcore", "/proc/kmsg", "/proc/kpagecgroup", "/proc/kpagecount", "/proc/kpageflags", "/proc/modules",
	"/proc/vmallocinfo", "/proc/vmcore", "/proc/iomem", "/proc/ioports", "/proc/config.gz",
	// What tells of the machine: how it was started, its devices and keys, and by their
	// counters what others on it are doing just now.
	"/proc/cmdline", "/proc/bootconfig", "/proc/acpi", "/proc/asound", "/proc/bus", "/proc/driver", "/proc/fs", "/proc/mdstat",
	"/proc/mtrr", "/proc/scsi", "/proc/tty", "/proc/diskstats", "/proc/partitions", "/proc/swaps", "/proc/keys", "/proc/key-users",
	"/proc/interrupts", "/proc/softirqs", "/proc/irq", "/proc/dma", "/proc/latency_stats", "/proc/sched_debug", "/proc/schedstat",
	"/proc/timer_list", "/proc/timer_stats", "/proc/slabinfo", "/proc/allocinfo", "/proc/buddyinfo", "/proc/pagetypeinfo",
	"/proc/zoneinfo", "/proc/dynamic_debug", "/proc/sysrq-trigger",
	"/sys/block", "/sys/bus", "/sys/class/block", "/sys/class/dmi", "/sys/class/thermal", "/sys/dev", "/sys/firmware",
	"/sys/hypervisor", "/sys/kernel", "/sys/module", "/sys/power", "/sys/devices/virtual/block", "/sys/devices/virtual/dmi",
	"/sys/devices/virtual/powercap", "/sys/devices/virtual/thermal", "/sys/fs/bpf", "/sys/fs/btrfs", "/sys/fs/ext4",
	"/sys/fs/fuse", "/sys/fs/pstore", "/sys/fs/selinux", "/sys/fs/xfs",
}

// readOnly are the paths that can be read and not written to.
var readOnly = []string{"/proc/sys"}
