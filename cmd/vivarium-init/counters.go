//go:build linux

package main

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
)

// counters are how often the kernel has enforced this container's limits. They stay zero where the
// kernel does not count that, as under gVisor.
type counters struct {
	oomKills    int64
	pidsRefused int64
}

// Each version of cgroups has the same figure in another file. Only one of a figure's files exists.
var (
	oomFiles  = []string{"/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"}
	pidsFiles = []string{"/sys/fs/cgroup/pids.events", "/sys/fs/cgroup/pids/pids.events"}
)

func readCounters() counters {
	return counters{oomKills: figure(oomFiles, "oom_kill"), pidsRefused: figure(pidsFiles, "max")}
}

// anonymous is the memory that the container's processes have for themselves at this moment. It
// leaves out the page cache and tmpfs, which the container's own total includes.
func anonymous() int64 {
	if n := figure([]string{"/sys/fs/cgroup/memory.stat"}, "anon"); n > 0 {
		return n
	}
	return figure([]string{"/sys/fs/cgroup/memory/memory.stat"}, "total_rss")
}

// figure reads one "name value" line of the first file that exists.
func figure(files []string, name string) int64 {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		return parseFigure(text, name)
	}
	return 0
}

func parseFigure(text []byte, name string) int64 {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		key, value, _ := bytes.Cut(lines.Bytes(), []byte(" "))
		if string(key) != name {
			continue
		}
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	return 0
}
