package posture

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"vivarium/sandbox"
	"vivarium/sandbox/quantity"
)

// judgement compares facts with what spec promises. It expects what the limits say, and not what
// Settings asks for, so that it finds a forgotten setting too.
type judgement struct {
	facts
	spec   sandbox.Spec
	info   sandbox.Info
	gvisor bool
	Report
}

func judge(f facts, spec sandbox.Spec, info sandbox.Info) Report {
	j := &judgement{facts: f, spec: spec, info: info, Report: Report{Kernel: f.kernel()}}
	j.gvisor = j.Kernel == KernelGVisor
	j.runtime()
	j.user()
	j.privileges()
	j.filter()
	j.calls()
	j.sockets()
	j.closedPaths()
	j.devices()
	j.names()
	j.limits()
	j.rlimits()
	j.root()
	j.places()
	j.strangeMounts()
	j.network()
	j.reach()
	j.engine()
	j.readBack()
	j.advice()

	return j.Report
}

func (j *judgement) problem(format string, args ...any) {
	j.Problems = append(j.Problems, fmt.Sprintf(format, args...))
}

func (j *judgement) note(format string, args ...any) {
	j.Notes = append(j.Notes, fmt.Sprintf(format, args...))
}

// runtime: an operator who asks for gVisor by its usual name must not get less.
func (j *judgement) runtime() {
	if sandbox.IsGVisor(j.spec.Runtime) && !j.gvisor {
		j.problem(
			"the runtime %q is not gVisor: the host's own kernel answers inside; let the engine's configuration name "+
				"runsc's path",
			j.spec.Runtime,
		)
	}
}

func (j *judgement) user() {
	for name, want := range map[string]string{"Uid": strconv.Itoa(j.spec.User()), "Gid": strconv.Itoa(sandbox.GID)} {
		ids, _ := j.status(name)
		if len(ids) == 0 || slices.ContainsFunc(ids, func(id string) bool { return id != want }) {
			j.problem("builds run with %s %v in place of %s: the engine must not change a container's user",
				strings.ToLower(name), ids, want)
		}
	}
	groups, _ := j.status("Groups")
	if slices.ContainsFunc(groups, func(id string) bool { return id != strconv.Itoa(sandbox.GID) }) {
		j.problem("builds run with the groups %v beside their own: the engine must not add groups", groups)
	}
}

// privileges: gVisor's kernel does not show ambient capabilities. These are never more than the
// permitted ones.
func (j *judgement) privileges() {
	sets := []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}
	if j.gvisor {
		sets = sets[:4]
	}
	for _, set := range sets {
		value, _ := j.status(set)
		bits, err := strconv.ParseUint(strings.Join(value, ""), 16, 64)
		if err != nil || bits != 0 {
			j.problem(
				"builds hold capabilities (%s is %q): the engine or its runtime does not drop them all; use runc, "+
					"or runsc",
				set,
				value,
			)
		}
	}
	if j.NoNewPrivs != 1 {
		j.problem(
			"builds could gain privileges by set-uid programs: the engine does not set no-new-privileges; use runc, " +
				"or runsc",
		)
	}
}

// filter: gVisor's own kernel stands in front of the host's, and takes no profile.
func (j *judgement) filter() {
	if j.gvisor {
		j.note("gVisor's kernel is the filter of system calls, in place of the seccomp profile")
		return
	}
	if mode, _ := j.status("Seccomp"); !slices.Equal(mode, []string{"2"}) {
		j.problem("system calls of builds are not filtered (seccomp mode %v, not 2): use a kernel and a runtime with "+
			"seccomp "+
			"(Kata: disable_guest_seccomp=false)", mode)
	} else if !j.Profile {
		j.problem("system calls of builds are filtered by another profile than Vivarium's: the engine must not " +
			"replace it")
	}
}

func (j *judgement) rlimits() {
	l := j.spec.Limits
	for name, want := range map[string]int64{"core": 1, "fsize": l.FileSize, "nofile": l.OpenFiles} {
		if got, ok := j.Rlimits[name]; !ok || got != [2]int64{want, want} {
			j.problem("the limit %q of a process is %v in place of %d: the engine must pass a container's ulimits on",
				name, got, want)
		}
	}
}

// root: the parts of /proc and /sys that change the kernel change the host's, except under gVisor.
func (j *judgement) root() {
	readonly := []string{"/", "/sys", "/proc/sys"}
	if j.gvisor {
		readonly = readonly[:2]
	}
	for _, path := range readonly {
		if m, ok := j.mountAt(path); !ok || m.rw || !slices.Contains(m.options, "ro") {
			j.problem("%s can be written inside: the engine does not mount it read-only; use runc, or runsc", path)
		}
	}
	// cgroup.procs and the limits themselves.
	for _, m := range j.mounts() {
		if strings.HasPrefix(m.kind, "cgroup") && slices.Contains(m.options, "rw") &&
			!slices.Contains(m.options, "ro") {
			j.problem(
				"%s can be written inside, and with it a build's limits; use an engine that mounts cgroups read-only",
				m.path,
			)
		}
	}
}

func (j *judgement) mountAt(path string) (found mount, ok bool) {
	for _, m := range j.mounts() {
		if m.path == path {
			found, ok = m, true
		}
	}
	return found, ok
}

// pageRound is the most by which a kernel rounds a size: its largest page.
const pageRound = 64 << 10

// places are all the folders that builds may write to.
var places = []string{sandbox.Tmp, sandbox.Home, sandbox.Env, sandbox.Shm}

// places: each folder that builds may write to is a tmpfs of the promised size, owner and kind.
func (j *judgement) places() {
	for _, path := range places {
		m, ok := j.mountAt(path)
		if !ok || m.kind != "tmpfs" || !m.rw {
			j.problem("%s is not a writable tmpfs: the engine must make a container's tmpfs mounts", path)
			continue
		}
		want := j.spec.Limits.Disk
		if path == sandbox.Shm {
			want = min(want, sandbox.ShmSize)
		}
		if got := sizeIn(m.option("size")); got < want-pageRound || got > want+pageRound {
			j.problem("%s holds %q in place of %s: the engine does not limit a tmpfs, and a build could fill the "+
				"machine's memory", path, m.option("size"), quantity.Bytes(want))
		}
		j.owner(path)
		if !j.gvisor {
			j.placeOptions(m)
		}
	}
	if j.gvisor {
		j.note("the number of files has no limit of its own: gVisor keeps none, and what they take is memory")
	}
}

// owner: a private place may be written to by its user alone. The rest of its mode is not checked:
// runc gives a tmpfs the mode that the folder has in the image, whatever its options say, and there
// is one user inside.
func (j *judgement) owner(path string) {
	got, ok := j.Owners[path]
	uid, gid, mode := got[0], got[1], got[2]
	good := ok && uid == int64(j.spec.User()) && gid == sandbox.GID && mode&0o722 == 0o700
	if path == sandbox.Tmp || path == sandbox.Shm {
		good = ok && uid == 0 && gid == 0 && mode == 0o1777
	}
	if !good {
		j.problem("%s belongs to %d:%d with mode %o: the engine must keep the options of a tmpfs", path, uid, gid, mode)
	}
}

// placeOptions are options of a place that gVisor's kernel does not show.
func (j *judgement) placeOptions(m mount) {
	if got := sizeIn(m.option("nr_inodes")); got != j.spec.Limits.Inodes {
		j.problem("%s holds %q files in place of %d: the engine does not limit them", m.path, m.option("nr_inodes"),
			j.spec.Limits.Inodes)
	}
	for _, want := range []string{"nosuid", "nodev"} {
		if !slices.Contains(m.options, want) {
			j.problem("%s is mounted without %s: the engine must keep the options of a tmpfs", m.path, want)
		}
	}
	if slices.Contains(m.options, "noexec") {
		j.problem(
			"%s is mounted with noexec, so that compiled packages cannot be loaded: the engine must keep the options "+
				"of a tmpfs",
			m.path,
		)
	}
}

// sizeIn reads a number as the kernel writes it among a mount's options; -1 when there is none.
func sizeIn(text string) int64 {
	factor := int64(1)
	if n := len(text); n > 0 {
		shift, ok := map[byte]int{'k': 10, 'm': 20, 'g': 30}[text[n-1]]
		if ok {
			text, factor = text[:n-1], 1<<shift
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/factor {
		return -1
	}
	return n * factor
}

// engineFiles are what the engine itself puts into every container, read-only.
var engineFiles = []string{"/etc/resolv.conf", "/etc/hostname", "/etc/hosts"}

// kernelKinds are the file systems that the runtime mounts below /proc, /sys and /dev.
var kernelKinds = []string{"proc", "sysfs", "tmpfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2"}

// strangeMounts: nothing of the host is mounted inside.
func (j *judgement) strangeMounts() {
	for _, m := range j.mounts() {
		kernel := slices.Contains(kernelKinds, m.kind) &&
			slices.ContainsFunc([]string{"/proc", "/sys", "/dev"}, func(top string) bool {
				return m.path == top || strings.HasPrefix(m.path, top+"/")
			})
		engine := slices.Contains(engineFiles, m.path) && !m.rw
		if !kernel && !engine && m.path != "/" && !slices.Contains(places, m.path) && m.path != sandbox.Names {
			j.problem("%s is mounted inside (%s): the engine must add nothing to a container; look for mounts in its "+
				"configuration or runtime", m.path, m.kind)
		}
	}
}

// fallbacks are devices that some kernels put into every network namespace. They lead nowhere
// without a route.
var fallbacks = []string{"tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0"}

func (j *judgement) network() {
	const remedy = "the engine must give a container of network mode \"none\" no network"
	if !slices.Contains(j.interfaces(), "lo") {
		j.problem("the network inside is not known, since it lists no loopback: %s", remedy)
	}
	for _, name := range j.interfaces() {
		if name != "lo" && !slices.Contains(fallbacks, name) {
			j.problem("builds have the network interface %s: %s", name, remedy)
		}
	}
	for _, name := range j.routes() {
		if name != "lo" {
			j.problem("builds have a route by %s: %s", name, remedy)
		}
	}
	if j.Files["/proc/net/route"] == "" {
		j.problem("the routes inside are not known: %s", remedy)
	}
}

// reach: an address that answers this process must not answer a sandbox. That the sandbox can dial
// at all is checked first.
func (j *judgement) reach() {
	if j.Loopback != "open" {
		j.problem(
			"a sandbox cannot reach its own loopback (%s): the services of a build need it; look at the runtime's "+
				"network settings",
			cmp.Or(j.Loopback, "it says nothing"),
		)
	}
	if j.Loopback6 != "open" {
		j.note("builds have no IPv6 address of their own, ::1 (%s): the engine's kernel or runtime gives them none",
			cmp.Or(j.Loopback6, "it says nothing"))
	}
	if len(j.targets) == 0 {
		j.problem("the reach of a sandbox was not tried")
	}
	for _, t := range j.targets {
		switch answer, ok := j.Dials[t.String()]; {
		case !ok:
			j.problem("a sandbox does not say whether it reaches %s", t.host)
		case answer == "open":
			j.problem(
				"builds reach this machine at %s: the engine must give a container of network mode \"none\" no network",
				t.host,
			)
		}
	}
}

// engine: what the engine itself said when it made the container. A warning about swap is left out:
// swap is judged by whether there is any.
func (j *judgement) engine() {
	for _, w := range j.warnings {
		if !strings.Contains(w, "swap limit") {
			j.problem("the engine says: %s", w)
		}
	}
}
