package posture

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// facts are what was found out about one sandbox, before any judgement.
type facts struct {
	inside
	targets  []target // what the sandbox was to dial
	warnings []string // what the engine said when it made the container
	accepted accepted
	granted  granted  // the container's settings by the engine's word
	imageEnv []string // what the image itself sets
	host     cgroup   // the container's cgroup as this process reads it; empty when it cannot
	meminfo  string   // of the machine, when host is known
}

// inside is what posture.py prints. What is missing there has its zero value here, which passes no
// check.
type inside struct {
	Files      map[string]string   `json:"files"`  // texts by path; missing when it cannot be read
	Owners     map[string][3]int64 `json:"owners"` // uid, gid and mode by path
	Rlimits    map[string][2]int64 `json:"rlimits"`
	NoNewPrivs int                 `json:"no_new_privs"`
	Profile    bool                `json:"profile"` // a call was refused that only our profile refuses
	Calls      map[string]string   `json:"calls"`   // errors by system call; empty where one is let through
	Sockets    map[string]string   `json:"sockets"` // the same for kinds of sockets
	Shown      map[string]string   `json:"shown"`   // what the paths of closed show
	Devices    map[string]string   `json:"devices"` // block or character by path
	Hostname   string              `json:"hostname"`
	KernelLog  string              `json:"kernel_log"`
	Loopback   string              `json:"loopback"`
	Loopback6  string              `json:"loopback6"` // by IPv6
	Dials      map[string]string   `json:"dials"`
}

func parseFacts(text []byte) (facts, error) {
	var f facts
	if err := json.Unmarshal(text, &f.inside); err != nil {
		return facts{}, fmt.Errorf("read what the sandbox says of itself: %w", err)
	}
	return f, nil
}

// kernel tells the kernel by what answers inside, never by the runtime's name.
func (f facts) kernel() string {
	if strings.Contains(f.KernelLog, "Starting gVisor...") {
		return KernelGVisor
	}
	return KernelLinux
}

// status is a line of /proc/self/status, its name cut off.
func (f facts) status(name string) (fields []string, ok bool) {
	for line := range strings.Lines(f.Files["/proc/self/status"]) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.Fields(value), true
		}
	}
	return nil, false
}

// mount is one line of /proc/self/mountinfo.
type mount struct {
	path    string
	kind    string   // file system type
	options []string // of the mount and of its file system
	rw      bool     // both allow writing
}

// mounts are in the order in which they were mounted. Of two at one path the later one counts. The
// fields are those of proc_pid_mountinfo(5).
func (f facts) mounts() []mount {
	var all []mount
	for line := range strings.Lines(f.Files["/proc/self/mountinfo"]) {
		first, second, ok := strings.Cut(line, " - ")
		a, b := strings.Fields(first), strings.Fields(second)
		if !ok || len(a) < 6 || len(b) < 3 {
			continue
		}
		own, super := strings.Split(a[5], ","), strings.Split(b[2], ",")
		all = append(all, mount{
			path: a[4], kind: b[0],
			options: slices.Concat(own, super),
			rw:      slices.Contains(own, "rw") && slices.Contains(super, "rw"),
		})
	}
	return all
}

// option is the value of NAME=value among a mount's options.
func (m mount) option(name string) string {
	for _, o := range m.options {
		if value, ok := strings.CutPrefix(o, name+"="); ok {
			return value
		}
	}
	return ""
}

// interfaces are the names in /proc/net/dev.
func (f facts) interfaces() (names []string) {
	for line := range strings.Lines(f.Files["/proc/net/dev"]) {
		name, _, ok := strings.Cut(line, ":")
		if ok { // the two lines of the heading have no colon
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// routes are the interfaces that routes lead to.
func (f facts) routes() (interfaces []string) {
	for i, line := range strings.Split(strings.TrimSpace(f.Files["/proc/net/route"]), "\n") {
		if fields := strings.Fields(line); i > 0 && len(fields) > 0 { // the first line is the heading
			interfaces = append(interfaces, fields[0])
		}
	}
	for line := range strings.Lines(f.Files["/proc/net/ipv6_route"]) {
		if fields := strings.Fields(line); len(fields) > 0 {
			interfaces = append(interfaces, fields[len(fields)-1])
		}
	}
	return interfaces
}
