package sandbox

import "strings"

// RuntimeGVisor is the name by which engines know gVisor, as its own `runsc install` sets it.
//
// gVisor is a kernel of its own inside one process of the host. Two things differ from other
// runtimes. At the host's pids limit all of gVisor ends, so vivarium-init counts tasks itself. And
// runsc cannot change the limits of a running container. docs/gvisor.md has the measurements.
const RuntimeGVisor = "runsc"

// IsGVisor reports whether a runtime is gVisor by its name. Operators add the platform to the name,
// as in runsc-kvm. Only a look inside a sandbox tells whether the name is true.
func IsGVisor(runtime string) bool { return strings.Contains(runtime, RuntimeGVisor) }

// One process of a sandbox takes five or six tasks of the host (measured with the ptrace platform;
// others take fewer), and gVisor itself 40. The host's limit only backs up vivarium-init's: it
// leaves room for what a bomb can start between two counts.
const (
	gvisorTasksEach = 16
	gvisorTasksOwn  = 1024
)

// HostPids is the limit of processes that the host's kernel is to keep.
func (s Spec) HostPids() int64 {
	if IsGVisor(s.Runtime) {
		return s.Limits.Pids*gvisorTasksEach + gvisorTasksOwn
	}
	return s.Limits.Pids
}

// countedPids is the limit that vivarium-init is to keep; zero where the host's kernel does.
func countedPids(s Spec) int64 {
	if IsGVisor(s.Runtime) {
		return s.Limits.Pids
	}
	return 0
}
