package posture

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"vivarium/sandbox"
)

// The good facts. cgroup1 and gvisor were printed by posture.py in sandboxes of engine 20.10
// with runc 1.1 and with runsc 20221219. cgroup2 is the first with the files of cgroup v2 in the
// format of the kernel's Documentation/admin-guide/cgroup-v2.rst.
var postures = []string{"cgroup1", "cgroup2", "gvisor"}

// goodFacts are facts, and a spec that they satisfy.
func goodFacts(t *testing.T, name string) (facts, sandbox.Spec, sandbox.Info) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	f, err := parseFacts(text)
	if err != nil {
		t.Fatal(err)
	}
	info := sandbox.Info{CPUs: 2}
	spec := sandbox.Spec{Limits: sandbox.DefaultLimits(info)}
	l := &spec.Limits
	l.Memory, l.Disk, l.FileSize = 256<<20, 96<<20, 96<<20
	f.targets = []target{{"192.0.2.1", "80"}}
	if name == "gvisor" {
		spec.Runtime = "runsc"
		f.accepted = accepted{memory: l.Memory + l.Disk, swap: l.Memory + l.Disk, cpus: 2e9, pids: spec.HostPids()}
	}
	f.granted, f.imageEnv = grantedAsAsked(spec, info)
	return f, spec, info
}

// grantedAsAsked is what an engine says of a container that it made as asked: with the image's
// environment and labels, and with what engines fill in by themselves.
func grantedAsAsked(spec sandbox.Spec, info sandbox.Info) (granted, []string) {
	config, host := sandbox.Settings(spec, info)
	imageEnv := []string{"PATH=/usr/bin"}
	config.Env = imageEnv
	config.Labels["org.opencontainers.image.version"] = "12"
	host.ShmSize, host.Runtime = 64<<20, cmp.Or(host.Runtime, "runc")
	host.LogConfig.Config = map[string]string{}
	disabled := false
	host.OomKillDisable = &disabled
	found := container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{HostConfig: &host},
		Config:            &config,
	}
	return grantedBy(found), imageEnv
}

func TestGoodPostureHasNoProblem(t *testing.T) {
	for _, name := range postures {
		if p := judge(goodFacts(t, name)); p.Err() != nil {
			t.Errorf("%s: %v", name, p.Err())
		}
	}
}

// TestNoFactIsIgnored takes every fact away in turn.
func TestNoFactIsIgnored(t *testing.T) {
	const (
		ipv6    = "/proc/net/ipv6_route"          // missing on machines without IPv6
		meminfo = "/proc/meminfo"                 // asked only where swap is not limited
		cgroup  = "/proc/self/cgroup"             // empty in gVisor
		pattern = "/proc/sys/kernel/core_pattern" // used for advice alone, as is the next
		inotify = inotifyInstances
	)
	for _, name := range postures {
		f, spec, info := goodFacts(t, name)
		red := func(what string, f facts) {
			t.Helper()
			if p := judge(f, spec, info); p.Err() == nil {
				t.Errorf("%s without %s: nobody notices", name, what)
			}
		}
		for path := range f.Files {
			if path == ipv6 || path == meminfo || path == pattern || path == inotify ||
				path == cgroup && name == "gvisor" {
				continue
			}
			f := f
			f.Files = maps.Clone(f.Files)
			delete(f.Files, path)
			if strings.HasSuffix(path, "swap.max") || strings.HasSuffix(path, "memsw.limit_in_bytes") {
				delete(f.Files, meminfo)
			}
			red(path, f)
		}
		for path := range f.Owners {
			f := f
			f.Owners = maps.Clone(f.Owners)
			delete(f.Owners, path)
			red("the owner of "+path, f)
		}
		for limit := range f.Rlimits {
			f := f
			f.Rlimits = maps.Clone(f.Rlimits)
			delete(f.Rlimits, limit)
			red("the limit "+limit, f)
		}
		for call := range f.Calls {
			if name == "gvisor" && call != "getpid" {
				continue
			}
			f := f
			f.Calls = maps.Clone(f.Calls)
			delete(f.Calls, call)
			red("the call "+call, f)
		}
		controls := []string{"TCP", "UDP over IPv6", "Unix"}
		for socket := range f.Sockets {
			if name == "gvisor" && !slices.Contains(controls, socket) {
				continue
			}
			f := f
			f.Sockets = maps.Clone(f.Sockets)
			delete(f.Sockets, socket)
			red("a socket of "+socket, f)
		}
		for path := range f.Shown {
			if name == "gvisor" {
				continue
			}
			f := f
			f.Shown = maps.Clone(f.Shown)
			delete(f.Shown, path)
			red("what is shown at "+path, f)
		}
		red("anything", facts{})
		without := func(what string, change func(*facts)) {
			t.Helper()
			f := f
			change(&f)
			red(what, f)
		}
		without("new privileges", func(f *facts) { f.NoNewPrivs = 0 })
		without("loopback", func(f *facts) { f.Loopback = "Connection refused" })
		without("dials", func(f *facts) { f.Dials = nil })
		without("devices", func(f *facts) { f.Devices = nil })
		without("its name", func(f *facts) { f.Hostname = "" })
		without("the engine's account", func(f *facts) { f.granted = granted{} })
		without("targets", func(f *facts) { f.targets = nil })
		if name == "gvisor" {
			without("gVisor's kernel", func(f *facts) { f.KernelLog = "" })
			without("what the engine accepted", func(f *facts) { f.accepted = accepted{} })
		} else {
			without("the profile", func(f *facts) { f.Profile = false })
		}
	}
}

// edit replaces text in one file.
func edit(path, old, new string) func(*facts) {
	return func(f *facts) {
		if !strings.Contains(f.Files[path], old) {
			panic("the good facts have no " + old + " in " + path)
		}
		f.Files = maps.Clone(f.Files)
		f.Files[path] = strings.ReplaceAll(f.Files[path], old, new)
	}
}

// writable makes a mount and its file system writable.
func writable(path string) func(*facts) {
	return func(f *facts) {
		const mountinfo = "/proc/self/mountinfo"
		var changed strings.Builder
		for line := range strings.Lines(f.Files[mountinfo]) {
			if strings.Contains(line, " "+path+" r") {
				line = strings.ReplaceAll(line, " ro", " rw")
			}
			changed.WriteString(line)
		}
		f.Files = maps.Clone(f.Files)
		f.Files[mountinfo] = changed.String()
	}
}

func TestEachBrokenPromiseIsNamed(t *testing.T) {
	const (
		status    = "/proc/self/status"
		mountinfo = "/proc/self/mountinfo"
		v1        = "/sys/fs/cgroup/"
	)
	v2 := []string{"cgroup2"}
	both := []string{"cgroup1", "cgroup2"}
	for _, c := range []struct {
		on     []string
		change func(*facts)
		want   string
	}{
		{postures, edit(status, "CapInh:\t0000000000000000", "CapInh:\t0000000000002000"), "CapInh"},
		{postures, edit(status, "CapPrm:\t0000000000000000", "CapPrm:\t0000000000002000"), "CapPrm"},
		{postures, edit(status, "CapEff:\t0000000000000000", "CapEff:\t0000000000002000"), "CapEff"},
		{postures, edit(status, "CapBnd:\t0000000000000000", "CapBnd:\t00000000a80425fb"), "CapBnd"},
		{both, edit(status, "CapAmb:\t0000000000000000", "CapAmb:\t0000000000002000"), "CapAmb"},
		{both, edit(status, "Seccomp:\t2", "Seccomp:\t0"), "are not filtered (seccomp mode [0], not 2)"},
		{both, edit(status, "Seccomp:\t2", "Seccomp:\t1"), "are not filtered (seccomp mode [1], not 2)"},
		{postures, edit(status, "Uid:\t10001\t10001\t10001\t10001", "Uid:\t10001\t0\t10001\t10001"), "run with uid"},
		{postures, edit(status, "Gid:\t10001\t10001\t10001\t10001", "Gid:\t0\t0\t0\t0"), "run with gid"},
		{both, edit(status, "Groups:\t10001", "Groups:\t10001 999"), "groups"},

		{
			[]string{"cgroup1"},
			edit(v1+"memory/memory.limit_in_bytes", "369098752", "9223372036854771712"),
			`memory is limited to nothing in place of 352 MiB`,
		},
		{
			[]string{"cgroup1"},
			edit(v1+"memory/memory.memsw.limit_in_bytes", "369098752", "738197504"),
			"builds may use swap (it is limited to 352 MiB",
		},
		{
			[]string{"cgroup1"},
			edit(v1+"memory/memory.memsw.limit_in_bytes", "369098752", "9223372036854771712"),
			"builds may use swap (it is limited to nothing",
		},
		{
			[]string{"cgroup1"},
			edit(v1+"cpu/cpu.cfs_quota_us", "200000", "-1"),
			"CPUs are limited to nothing in place of 2",
		},
		{
			[]string{"cgroup1"},
			edit(v1+"cpu/cpu.cfs_period_us", "100000", "10000"),
			"CPUs are limited to 20 in place of 2",
		},
		{
			[]string{"cgroup1"},
			edit(v1+"pids/pids.max", "512", "max"),
			"processes are limited to nothing in place of 512",
		},
		{[]string{"cgroup1"}, writable("/sys/fs/cgroup/pids"), "/sys/fs/cgroup/pids can be written"},
		{v2, edit(v1+"memory.max", "369098752", "max"), "memory is limited to nothing"},
		{v2, edit(v1+"memory.max", "369098752", "738197504"), "memory is limited to 704 MiB in place of 352 MiB"},
		{v2, edit(v1+"memory.max", "369098752", "36909875"), "memory is limited to 35.2 MiB in place of 352 MiB"},
		{v2, edit(v1+"memory.swap.max", "0", "max"), "builds may use swap"},
		{v2, edit(v1+"cpu.max", "200000", "max"), "CPUs are limited to nothing"},
		{v2, edit(v1+"cpu.max", "200000", "100000"), "CPUs are limited to 1 in place of 2"},
		{v2, edit(v1+"pids.max", "512", "513"), "processes are limited to 513 in place of 512"},
		{v2, writable("/sys/fs/cgroup"), "/sys/fs/cgroup can be written"},
		{both, edit("/proc/self/cgroup", ":/", ":/docker/1234"), "builds see the host's cgroups"},

		{postures, func(f *facts) { f.Rlimits = map[string][2]int64{"core": {0, -1}} }, `the limit "core"`},
		{postures, func(f *facts) { f.Rlimits = map[string][2]int64{"fsize": {-1, -1}} }, `the limit "fsize"`},
		{
			postures,
			func(f *facts) { f.Rlimits = map[string][2]int64{"nofile": {16384, 1048576}} },
			`the limit "nofile"`,
		},

		{postures, writable("/"), "/ can be written"},
		{postures, writable("/sys"), "/sys can be written"},
		{both, writable("/proc/sys"), "/proc/sys can be written"},
		{postures, edit(mountinfo, "/opt/vivarium/env", "/opt/elsewhere"), "/opt/vivarium/env is not a writable tmpfs"},
		{postures, edit(mountinfo, "/opt/vivarium/env", "/opt/elsewhere"), "/opt/elsewhere is mounted inside"},
		{postures, edit(mountinfo, "/ /dev/shm rw", "/ /dev/shm ro"), "/dev/shm is not a writable tmpfs"},
		{both, edit(mountinfo, "size=98304k", "size=983040k"), "/tmp holds"},
		{both, edit(mountinfo, "size=98304k,", ""), "/opt/vivarium/env holds"},
		{[]string{"gvisor"}, edit(mountinfo, "size=100663296", "size=1006632960"), "/home/vivarium holds"},
		{both, edit(mountinfo, "nr_inodes=262144", "nr_inodes=0"), `holds "0" files in place of 262144`},
		{both, edit(mountinfo, "/ /tmp rw,nosuid", "/ /tmp rw"), "/tmp is mounted without nosuid"},
		{both, edit(mountinfo, "/ /tmp rw,nosuid,nodev", "/ /tmp rw,nosuid"), "/tmp is mounted without nodev"},
		{
			both,
			edit(mountinfo, "/ /tmp rw,nosuid,nodev", "/ /tmp rw,nosuid,nodev,noexec"),
			"/tmp is mounted with noexec",
		},
		{
			postures,
			func(f *facts) { f.Owners = map[string][3]int64{sandbox.Env: {0, 0, 0o755}} },
			"/opt/vivarium/env belongs to 0:0",
		},
		{
			postures,
			func(f *facts) { f.Owners = map[string][3]int64{sandbox.Home: {sandbox.FirstUser, sandbox.GID, 0o777}} },
			"/home/vivarium belongs to 10001:10001 with mode 777",
		},
		{
			postures,
			func(f *facts) { f.Owners = map[string][3]int64{sandbox.Tmp: {0, 0, 0o777}} },
			"/tmp belongs to 0:0 with mode 777",
		},
		{
			both,
			edit(mountinfo, "/ /dev/shm", "/docker.sock /run/docker.sock rw - tmpfs tmpfs rw\n1 2 0:9 / /dev/shm"),
			"/run/docker.sock is mounted inside",
		},
		{both, edit(mountinfo, "/etc/hosts ro,", "/etc/hosts rw,"), "/etc/hosts is mounted inside"},

		{both, let(callsOf, "bpf", ""), "that they do not need (bpf)"},
		{both, let(callsOf, "bpf", "E2BIG"), "that they do not need (bpf)"},
		{both, let(callsOf, "ptrace", "ESRCH"), "that they do not need (ptrace)"},
		{postures, let(callsOf, "getpid", "EPERM"), "the harmless one"},
		{both, let(socketsOf, "AF_VSOCK", ""), "sockets that they do not need (AF_VSOCK)"},
		{both, let(socketsOf, "SCTP", ""), "sockets that they do not need (SCTP)"},
		{postures, let(socketsOf, "TCP", "EPERM"), "cannot open a socket of the kind TCP"},
		{both, let(shownOf, "/proc/keys", "open"), "can look into /proc/keys"},
		{postures, let(devicesOf, "/dev/vda", "block"), "the block device /dev/vda"},
		{postures, let(devicesOf, "/dev/kvm", "character"), "the character device /dev/kvm"},
		{postures, func(f *facts) { f.Hostname = "build-host" }, `the host name "build-host" in place of "vivarium"`},
		{postures, edit("/etc/hosts", "ff02::1", "10.1.2.3"), "know a host by name (ip6-allnodes)"},
		{
			[]string{"cgroup1"},
			edit(v1+"memory/memory.oom_control", "oom_kill_disable 0", "oom_kill_disable 1"),
			"hangs instead of being ended",
		},
		{postures, func(f *facts) {
			f.granted.env = append(slices.Clone(f.granted.env), "HTTP_PROXY=http://me:canary@proxy")
		}, "puts HTTP_PROXY into"},
		{postures, func(f *facts) { f.granted.appArmor = "unconfined" }, "without its AppArmor profile"},

		{postures, edit("/proc/net/dev", "    lo:", "  eth0:"), "builds have the network interface eth0"},
		{postures, edit("/proc/net/dev", "    lo:", "  eth0:"), "it lists no loopback"},
		{postures, func(f *facts) {
			f.Files = maps.Clone(f.Files)
			f.Files["/proc/net/route"] += "eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
		}, "builds have a route by eth0"},
		{both, edit("/proc/net/ipv6_route", "       lo", "     eth0"), "builds have a route by eth0"},
		{
			postures,
			func(f *facts) { f.Dials = map[string]string{"192.0.2.1 80": "open"} },
			"builds reach this machine at 192.0.2.1",
		},
		{
			postures,
			func(f *facts) { f.Dials = map[string]string{"192.0.2.2 80": "refused"} },
			"does not say whether it reaches 192.0.2.1",
		},
		{postures, func(f *facts) {
			f.warnings = []string{"Your kernel does not support pids limit capabilities or the cgroup is not " +
				"mounted. PIDs limit discarded."}
		}, "the engine says: Your kernel does not support pids limit"},

		{[]string{"gvisor"}, func(f *facts) { f.KernelLog = "" }, `the runtime "runsc" is not gVisor`},
		{[]string{"gvisor"}, func(f *facts) { f.accepted.memory = 0 }, "the engine limits memory to 0"},
		{[]string{"gvisor"}, func(f *facts) { f.accepted.cpus = 0 }, "the engine limits CPUs"},
		{[]string{"gvisor"}, func(f *facts) { f.accepted.pids = 0 }, "the engine limits processes to 0"},
		{[]string{"gvisor"}, func(f *facts) { f.accepted.swap = -1 }, "swap is not limited"},
		{
			[]string{"gvisor"},
			func(f *facts) { none := limitIn("max"); f.host = cgroup{memory: none, cpus: none, pids: none} },
			"memory is limited to nothing",
		},
	} {
		for _, name := range c.on {
			f, spec, info := goodFacts(t, name)
			c.change(&f)
			if got := strings.Join(judge(f, spec, info).Problems, "\n"); !strings.Contains(got, c.want) {
				t.Errorf("%s: got %q, want %q among it", name, got, c.want)
			}
		}
	}
}

// Tables of facts.
func callsOf(f *facts) *map[string]string   { return &f.Calls }
func socketsOf(f *facts) *map[string]string { return &f.Sockets }
func shownOf(f *facts) *map[string]string   { return &f.Shown }
func devicesOf(f *facts) *map[string]string { return &f.Devices }

// let sets one entry of a table.
func let(table func(*facts) *map[string]string, key, value string) func(*facts) {
	return func(f *facts) {
		changed := maps.Clone(*table(f))
		changed[key] = value
		*table(f) = changed
	}
}

// TestSwapThatCannotBeLimitedMattersWhereThereIsSome: an engine that cannot limit swap also warns
// each time.
func TestSwapThatCannotBeLimitedMattersWhereThereIsSome(t *testing.T) {
	for name, file := range map[string]string{
		"cgroup1": "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes",
		"cgroup2": "/sys/fs/cgroup/memory.swap.max",
	} {
		f, spec, info := goodFacts(t, name)
		delete(f.Files, file)
		f.warnings = []string{
			"Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited " +
				"without swap.",
		}
		p := judge(f, spec, info)
		if p.Err() != nil || !slices.Contains(p.Notes, "swap cannot be limited, and the engine's machine has none") {
			t.Errorf("%s without swap: %v, notes %q", name, p.Err(), p.Notes)
		}
		edit("/proc/meminfo", "SwapTotal:             0 kB", "SwapTotal:       2097148 kB")(&f)
		if p := judge(f, spec, info); !strings.Contains(strings.Join(p.Problems, ""), "has 2 GiB of it") {
			t.Errorf("%s with swap: %q", name, p.Problems)
		}
	}
}

// TestLimitsOfGVisorAreNotPromisedWhereTheyCannotBeSeen, and not doubted where they can be.
func TestLimitsOfGVisorAreNotPromisedWhereTheyCannotBeSeen(t *testing.T) {
	f, spec, info := goodFacts(t, "gvisor")
	unknown := func(p Report) bool {
		return slices.ContainsFunc(p.Notes,
			func(n string) bool { return strings.Contains(n, "cannot be seen from here") })
	}
	if p := judge(f, spec, info); p.Err() != nil || !unknown(p) {
		t.Errorf("without the host's cgroup: %v, notes %q", p.Err(), p.Notes)
	}
	seen, _, _ := goodFacts(t, "cgroup1")
	f.host = cgroupOf(func(path string) string { return seen.Files[path] })
	pids := float64(spec.HostPids()) // gVisor's own tasks are among them
	f.host.pids = &pids
	if p := judge(f, spec, info); p.Err() != nil || unknown(p) {
		t.Errorf("with the host's cgroup: %v, notes %q", p.Err(), p.Notes)
	}
}

func TestALoopbackWithoutIPv6IsSaid(t *testing.T) {
	for answer, want := range map[string]bool{"open": false, "": true, "Cannot assign requested address": true} {
		f, spec, info := goodFacts(t, "cgroup1")
		f.Loopback6 = answer
		p := judge(f, spec, info)
		said := slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, "::1 ("+answer) })
		if p.Err() != nil || said != want {
			t.Errorf("%q: %v, notes %q, want it said: %v", answer, p.Err(), p.Notes, want)
		}
	}
}

func TestHostCgroupIsTheContainersOwn(t *testing.T) {
	const id = "4f3a"
	for text, want := range map[string]map[string]string{
		"4:memory:/docker/4f3a\n2:cpu,cpuacct:/docker/4f3a\n0::/\n": {
			"memory":  "/docker/4f3a",
			"cpu":     "/docker/4f3a",
			"cpuacct": "/docker/4f3a",
		},
		"0::/system.slice/docker-4f3a.scope\n": {"": "/system.slice/docker-4f3a.scope"},
		"0::/user.slice\n":                     {}, // here that number belongs to a process of another machine
		"no cgroup":                            {},
	} {
		if got := cgroupFolders(text, id); !maps.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	if hostCgroup(container.InspectResponse{}).known() {
		t.Error("something is known of no container")
	}
}

func TestHostileFactsAreProblemsAndNoMore(t *testing.T) {
	for _, text := range []string{
		"",
		"null",
		"[]",
		`{"files":[]}`,
		`{"owners":{"/tmp":["x"]}}`,
		`{"rlimits":{"core":[1e99,0]}}`,
	} {
		f, err := parseFacts([]byte(text))
		_, spec, info := goodFacts(t, "cgroup1")
		if err == nil && judge(f, spec, info).Err() == nil {
			t.Errorf("%q is taken for a good posture", text)
		}
	}
}

func FuzzPostureNeverPanics(f *testing.F) {
	for _, name := range postures {
		text, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseFacts(text)
		if err != nil {
			return
		}
		_, spec, info := goodFacts(t, "cgroup2")
		judge(got, spec, info)
	})
}
