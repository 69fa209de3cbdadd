package main

import (
	"fmt"
	"slices"

	"vivarium/sandbox"
)

// limitsOf are the limits of a build: what the settings say, else what the engine allows.
func limitsOf(c config, info sandbox.Info) sandbox.Limits {
	l := sandbox.DefaultLimits(info)
	l.Memory, l.Disk, l.Pids = c.memory, c.disk, c.pids
	l.OpenFiles, l.Inodes = c.openFiles, c.inodes
	l.FileSize = c.disk // no file can be larger than the disk, whatever its limit says
	l.Sockets = sandbox.SocketShare(l.Memory, c.runtime, info)
	if c.cpus != 0 {
		l.CPUs = c.cpus
	}
	return l
}

// limitNames are the settings that together have to fit the engine.
var limitNames = []string{
	"VIVARIUM_WORKERS", "VIVARIUM_MEMORY", "VIVARIUM_MEMORY_RESERVE", "VIVARIUM_CPUS", "VIVARIUM_PIDS", "VIVARIUM_FILES", "VIVARIUM_DISK", "VIVARIUM_INODES",
}

// workersOf is how many builds run at a time. What somebody has set and the engine cannot
// hold is refused, since the engine would kill builds by chance; the defaults run one build
// on whatever engine there is.
func workersOf(c config, info sandbox.Info, l sandbox.Limits) (int, error) {
	workers := c.workers
	if workers == 0 {
		workers = sandbox.Workers(info, l, c.memoryReserve)
	}
	if !slices.ContainsFunc(limitNames, func(name string) bool { return c.given[name] }) {
		return workers, nil
	}
	if err := sandbox.Check(info, l, workers, c.memoryReserve); err != nil {
		return 0, fmt.Errorf("cannot work with these limits: %w", err)
	}
	return workers, nil
}
