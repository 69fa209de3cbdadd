package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"vivarium/sandbox/quantity"
)

// The default limits. The default for CPUs is two, or the engine's number when it has fewer.
const (
	defaultMemory    = 2 << 30
	defaultDisk      = 2 << 30
	defaultCPUs      = 2
	defaultPids      = 512
	defaultOpenFiles = 16384
	// A tmpfs inode takes about 1 KiB of kernel memory, which is charged to the container.
	defaultInodes = 256 << 10
)

// The least that vivarium-init and one interpreter run in.
const (
	minMemory = 32 << 20
	minDisk   = 16 << 20
	minPids   = 64
	minFiles  = 256 // vivarium-init's own connections are among them
	minInodes = 1024
	minCPUs   = 0.01 // the engine's own bound
)

// Least is the least that vivarium-init and one interpreter run in; a new sandbox with less is
// refused.
func Least() Limits {
	return Limits{
		Memory:    minMemory,
		Disk:      minDisk,
		CPUs:      minCPUs,
		Pids:      minPids,
		FileSize:  1,
		OpenFiles: minFiles,
		Inodes:    minInodes,
	}
}

// MinOpenFiles is the lowest limit for one command. git, pip and flake8 work with it.
const MinOpenFiles = 64

// DefaultLimits are those of a sandbox for which nothing else was said.
func DefaultLimits(info Info) Limits {
	return Limits{
		Memory:    defaultMemory,
		Disk:      defaultDisk,
		CPUs:      min(defaultCPUs, float64(info.CPUs)),
		Pids:      defaultPids,
		FileSize:  defaultDisk,
		OpenFiles: defaultOpenFiles,
		Inodes:    defaultInodes,
	}
}

// Check refuses limits in which no sandbox can start.
func (l Limits) Check() error {
	least := Least()
	number := func(n float64) string { return fmt.Sprintf("%g", n) }
	bytes := func(n float64) string { return quantity.Bytes(int64(n)) }
	for _, b := range []struct {
		name       string
		got, least float64
		show       func(float64) string
	}{
		{"memory", float64(l.Memory), float64(least.Memory), bytes},
		{"disk", float64(l.Disk), float64(least.Disk), bytes},
		{"CPUs", l.CPUs, least.CPUs, number},
		{"pids", float64(l.Pids), float64(least.Pids), number},
		{"file size", float64(l.FileSize), float64(least.FileSize), bytes},
		{"open files", float64(l.OpenFiles), float64(least.OpenFiles), number},
		{"inodes", float64(l.Inodes), float64(least.Inodes), number},
	} {
		if b.got < b.least {
			return fmt.Errorf("a sandbox's limit of %s is %s, the least is %s", b.name, b.show(b.got), b.show(b.least))
		}
	}
	return nil
}

// check refuses a spec that the engine cannot meet in full.
func (s Spec) check(info Info) error {
	if err := s.Limits.Check(); err != nil {
		return err
	}
	if s.Runtime != "" && !slices.Contains(info.Runtimes, s.Runtime) {
		return fmt.Errorf(
			"the engine has no runtime %q, it has %s: add it to the engine's configuration, or change VIVARIUM_RUNTIME",
			s.Runtime,
			strings.Join(info.Runtimes, ", "),
		)
	}
	return nil
}
