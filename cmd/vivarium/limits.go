package main

import (
	"fmt"
	"slices"

	"vivarium/sandbox"
	"vivarium/sandbox/capacity"
)

// limitsOf gives the limits of a build: those of the settings, else what the engine allows.
func limitsOf(c config, info sandbox.Info) sandbox.Limits {
	l := sandbox.DefaultLimits(info)
	l.Memory, l.Disk, l.Pids = c.memory, c.disk, c.pids
	l.OpenFiles, l.Inodes = c.openFiles, c.inodes
	l.FileSize = c.disk // no file can be larger than the disk, whatever the limit of files is
	l.Sockets = sandbox.SocketShare(l.Memory, c.runtime, info)
	if c.cpus != 0 {
		l.CPUs = c.cpus
	}
	return l
}

// limitNames are the settings that must fit the engine together.
var limitNames = []string{
	"VIVARIUM_WORKERS", "VIVARIUM_MEMORY", "VIVARIUM_MEMORY_RESERVE", "VIVARIUM_CPUS", "VIVARIUM_PIDS",
	"VIVARIUM_FILES", "VIVARIUM_DISK", "VIVARIUM_INODES",
}

// workersOf is how many builds run at a time. Settings that the engine cannot hold are refused,
// since the engine would kill builds at random; the defaults run one build on any engine.
func workersOf(c config, info sandbox.Info, l sandbox.Limits) (int, error) {
	workers := c.workers
	if workers == 0 {
		workers = capacity.Workers(info, l, c.memoryReserve)
	}
	if !slices.ContainsFunc(limitNames, func(name string) bool { return c.given[name] }) {
		return workers, nil
	}
	if err := capacity.Check(info, l, workers, c.memoryReserve); err != nil {
		return 0, fmt.Errorf("cannot work with these limits: %w", err)
	}
	return workers, nil
}
