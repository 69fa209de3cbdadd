package main

import (
	"fmt"
	"slices"

	"vivarium/pipeline"
	"vivarium/pipeline/hosts"
	"vivarium/sandbox"
	"vivarium/sandbox/capacity"
)

// settingsOf completes the settings of builds with what follows from the engine and from each other.
func settingsOf(c config, info sandbox.Info) pipeline.Settings {
	s := c.build
	s.GitHosts = append(slices.Clone(s.GitHosts), hosts.Origin(c.serverURL)) // it has public repositories too
	l := &s.Limits
	if l.CPUs == 0 {
		l.CPUs = sandbox.DefaultLimits(info).CPUs
	}
	l.FileSize = l.Disk // no file can be larger than the disk, whatever the limit of files is
	l.Sockets = sandbox.SocketShare(l.Memory, s.Runtime, info)
	return s
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
