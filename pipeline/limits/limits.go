// Package limits is what one build may use: of its sandbox, of time and of output.
package limits

import (
	"fmt"
	"time"

	"vivarium/sandbox"
	"vivarium/sandbox/quantity"
)

// Limits bound one build.
type Limits struct {
	sandbox.Limits
	Timeout  time.Duration // of the whole build
	LogLimit int64         // bytes of output that end the build
	LogRate  int64         // bytes of output per second, beyond which the build is slowed down; 0 is no limit
}

// String names every limit with its figure.
func (l Limits) String() string {
	text := fmt.Sprintf("time %s, memory %s, disk %s in %d files, CPUs %g, processes %d, "+
		"open files %d for each, log %s",
		quantity.Duration(l.Timeout), quantity.Bytes(l.Memory), quantity.Bytes(l.Disk), l.Inodes, l.CPUs, l.Pids,
		l.OpenFiles, quantity.Bytes(l.LogLimit))
	if l.LogRate > 0 {
		text += fmt.Sprintf(" at %s/s", quantity.Bytes(l.LogRate))
	}
	return text
}
