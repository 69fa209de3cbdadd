package limits

import (
	"time"

	"vivarium/sandbox"
)

// leastLog is enough for what Vivarium itself says about a build.
const leastLog = 64 << 10

// Part is a part of the limits, such as a half: of each as much, but for open files, of which programs
// need a fixed number, and none less than a build can run in.
func (l Limits) Part(part float64) Limits {
	least := sandbox.Least()
	of := func(whole, least int64) int64 { return min(whole, max(int64(part*float64(whole)), least)) }
	l.Memory, l.Disk = of(l.Memory, least.Memory), of(l.Disk, least.Disk)
	l.FileSize = min(l.FileSize, l.Disk)
	l.Sockets = of(l.Sockets, 0)
	l.Inodes, l.Pids = of(l.Inodes, least.Inodes), of(l.Pids, least.Pids)
	l.CPUs = min(l.CPUs, max(part*l.CPUs, least.CPUs))
	l.Timeout = time.Duration(of(int64(l.Timeout), int64(time.Second)))
	l.LogLimit = of(l.LogLimit, leastLog)
	l.LogRate = of(l.LogRate, leastLog)
	return l
}
