package posture

import (
	"fmt"
	"math"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
)

// cgroup is a container's limits as the kernel's files tell them. nil means not known, +Inf no
// limit.
type cgroup struct {
	memory *float64 // bytes
	swap   *float64 // bytes, beside the memory
	cpus   *float64
	pids   *float64
}

// known reports whether any limit is known.
func (c cgroup) known() bool {
	return c.memory != nil || c.swap != nil || c.cpus != nil || c.pids != nil
}

const cgroupRoot = "/sys/fs/cgroup/"

// cgroupOf reads files of either version of cgroups by the paths that they have in a container.
func cgroupOf(read func(path string) string) cgroup {
	file := func(name string) *float64 { return limitIn(read(cgroupRoot + name)) }
	if c := (cgroup{
		memory: file("memory.max"), swap: file("memory.swap.max"), pids: file("pids.max"),
		cpus: cpusIn(strings.Fields(read(cgroupRoot + "cpu.max"))),
	}); c.known() {
		return c
	}
	c := cgroup{
		memory: file("memory/memory.limit_in_bytes"), pids: file("pids/pids.max"),
		cpus: cpusIn([]string{
			strings.TrimSpace(read(cgroupRoot + "cpu/cpu.cfs_quota_us")),
			strings.TrimSpace(read(cgroupRoot + "cpu/cpu.cfs_period_us")),
		}),
	}
	if both := file("memory/memory.memsw.limit_in_bytes"); both != nil && c.memory != nil {
		swap := *both - *c.memory
		if math.IsInf(*both, 1) {
			swap = *both
		}
		c.swap = &swap
	}
	return c
}

// limitIn is the limit in a file's text. Version 1 has no word for "no limit"; it writes the
// largest multiple of the page size.
func limitIn(text string) *float64 {
	text = strings.TrimSpace(text)
	n, err := strconv.ParseInt(text, 10, 64)
	value := float64(n)
	switch {
	case text == "max", err == nil && (n < 0 || n > math.MaxInt64/2):
		value = math.Inf(1)
	case err != nil:
		return nil
	}
	return &value
}

// cpusIn divides quota by period.
func cpusIn(fields []string) *float64 {
	if len(fields) != 2 {
		return nil
	}
	quota, period := limitIn(fields[0]), limitIn(fields[1])
	if quota == nil || period == nil || *period <= 0 {
		return nil
	}
	cpus := *quota / *period
	return &cpus
}

// hostCgroup reads the container's cgroup where this process runs on the engine's host. To know
// that, the process with the container's PID must be the container's: the container's ID is in its
// cgroup's name. Otherwise nothing is known.
func hostCgroup(c container.InspectResponse) cgroup {
	if c.ContainerJSONBase == nil || c.State == nil || c.State.Pid <= 0 {
		return cgroup{}
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", c.State.Pid))
	if err != nil {
		return cgroup{}
	}
	folders := cgroupFolders(string(text), c.ID)
	return cgroupOf(func(file string) string {
		controller, name, split := strings.Cut(strings.TrimPrefix(file, cgroupRoot), "/")
		if !split {
			controller, name = "", controller
		}
		folder, ok := folders[controller]
		if !ok {
			return ""
		}
		text, _ := os.ReadFile(path.Join(cgroupRoot, controller, folder, name)) // if missing, not known
		return string(text)
	})
}

// cgroupFolders are the folders below each controller's root, "" being that of version 2, in a
// /proc/PID/cgroup of the container's.
func cgroupFolders(text, id string) map[string]string {
	folders := make(map[string]string)
	for line := range strings.Lines(text) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 || id == "" || !strings.Contains(fields[2], id) {
			continue
		}
		for _, controller := range strings.Split(fields[1], ",") {
			folders[controller] = fields[2]
		}
	}
	return folders
}
