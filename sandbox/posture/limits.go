package posture

import (
	"math"
	"strconv"
	"strings"

	"vivarium/sandbox/quantity"
)

// limits: what the kernel limits a sandbox to. gVisor's kernel shows no cgroup. There the host's
// cgroup limits the sandbox as a whole, and is read where that can be done.
func (j *judgement) limits() {
	if !j.gvisor {
		j.cgroup(cgroupOf(func(path string) string { return j.Files[path] }))
		j.namespace()
		j.oomKiller()
		return
	}
	j.acceptedLimits()
	if j.host.known() {
		j.cgroup(j.host)
		return
	}
	if j.accepted.swap != j.spec.Limits.Memory+j.spec.Limits.Disk {
		j.swap(nil)
	}
	j.note(
		"the engine has taken the limits of memory, CPUs and processes; whether its kernel holds them cannot be seen " +
			"from here",
	)
}

const cgroupRemedy = "the engine drops this limit; enable the cgroup controller %q on its machine (with cgroup v2 " +
	"and a rootless engine: delegate it)"

// cgroup also finds limits lower than promised: with less, a build dies and nobody knows why.
func (j *judgement) cgroup(c cgroup) {
	l := j.spec.Limits
	want := float64(l.Memory + l.Disk)
	if c.memory == nil || *c.memory > want || *c.memory < want-pageRound {
		j.problem("memory is limited to %s in place of %s: "+cgroupRemedy, bytesIn(c.memory),
			quantity.Bytes(int64(want)), "memory")
	}
	// Quotas are rounded; systemd rounds to a hundredth of a CPU.
	cpus := min(l.CPUs, float64(j.info.CPUs))
	if c.cpus == nil || math.Abs(*c.cpus-cpus) > 0.011 {
		j.problem("CPUs are limited to %s in place of %g: "+cgroupRemedy, number(c.cpus), cpus, "cpu")
	}
	if c.pids == nil || *c.pids != float64(j.spec.HostPids()) {
		j.problem("processes are limited to %s in place of %d: "+cgroupRemedy, number(c.pids), j.spec.HostPids(),
			"pids")
	}
	j.swap(c.swap)
}

// swap: an engine without swap accounting drops this limit. That matters only where there is swap.
func (j *judgement) swap(got *float64) {
	const remedy = "turn swap off on the engine's machine, or swap accounting on (swapaccount=1)"
	has := j.swapOfMachine()
	switch {
	case got != nil && *got == 0:
	case got != nil:
		j.problem("builds may use swap (it is limited to %s in place of 0): the engine drops this limit; %s",
			bytesIn(got), remedy)
	case has == 0:
		j.note("swap cannot be limited, and the engine's machine has none")
	case has > 0:
		j.problem("swap is not limited, and the engine's machine has %s of it: %s", quantity.Bytes(has), remedy)
	default:
		j.problem("swap is not limited, and it is not known how much of it there is: %s", remedy)
	}
}

// swapOfMachine is -1 when not known. /proc/meminfo is the whole machine's in every container,
// but not gVisor's.
func (j *judgement) swapOfMachine() int64 {
	text := j.Files["/proc/meminfo"]
	if j.gvisor {
		text = j.meminfo
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, "SwapTotal:"); ok {
			return sizeIn(strings.ReplaceAll(strings.TrimSuffix(strings.TrimSpace(value), "B"), " ", ""))
		}
	}
	return -1
}

// namespace: a sandbox sees its own cgroup as the root, and none of the host's names.
func (j *judgement) namespace() {
	text := strings.TrimSpace(j.Files["/proc/self/cgroup"])
	for line := range strings.Lines(text + "\n") {
		if fields := strings.SplitN(strings.TrimSpace(line), ":", 3); len(fields) != 3 || fields[2] != "/" {
			j.problem("builds see the host's cgroups (%q): use an engine and a kernel with cgroup namespaces",
				strings.TrimSpace(line))
			return
		}
	}
}

// oomKiller: version 2 of cgroups has no switch for the OOM killer.
func (j *judgement) oomKiller() {
	if _, v1 := j.Files[cgroupRoot+"memory/memory.limit_in_bytes"]; !v1 {
		return
	}
	for line := range strings.Lines(j.Files[cgroupRoot+"memory/memory.oom_control"]) {
		if strings.TrimSpace(line) == "oom_kill_disable 0" {
			return
		}
	}
	j.problem(
		"a build out of memory hangs instead of being ended: the engine must not turn a container's OOM killer off",
	)
}

// acceptedLimits: an engine removes from a container's settings what it cannot do.
func (j *judgement) acceptedLimits() {
	l := j.spec.Limits
	for _, c := range []struct {
		what      string
		got, want int64
	}{
		{"memory", j.accepted.memory, l.Memory + l.Disk},
		{"CPUs (billionths)", j.accepted.cpus, int64(min(l.CPUs, float64(j.info.CPUs)) * 1e9)},
		{"processes", j.accepted.pids, j.spec.HostPids()},
	} {
		if c.got != c.want {
			j.problem("the engine limits %s to %d in place of %d: enable the cgroup controllers on its machine", c.what,
				c.got, c.want)
		}
	}
}

// number words a limit for people.
func number(n *float64) string {
	switch {
	case n == nil:
		return "nothing that can be read"
	case math.IsInf(*n, 1):
		return "nothing"
	}
	return strconv.FormatFloat(*n, 'g', -1, 64)
}

func bytesIn(n *float64) string {
	if n == nil || math.IsInf(*n, 1) {
		return number(n)
	}
	return quantity.Bytes(int64(min(*n, 1<<62)))
}
