package posture

import (
	"slices"
	"strings"
	"testing"

	"vivarium/sandbox"
	"vivarium/sandbox/runc"
)

// TestAdviceIsNoProblem: advice names what an engine could do better, and builds are taken all the
// same.
func TestAdviceIsNoProblem(t *testing.T) {
	good := sandbox.Info{
		CPUs: 2, CgroupVersion: "2", Runtime: "runc", Runc: runc.Release{
			Version: "1.3.3",
			Commit:  "v1.3.3-0-gd842d771",
		},
		Security: []string{"name=apparmor", "name=seccomp,profile=builtin", "name=rootless"},
	}
	pattern := func(text string) func(*facts) { return edit("/proc/sys/kernel/core_pattern", "core\n", text) }
	same := func(*facts) {}
	for what, c := range map[string]struct {
		change func(*sandbox.Info)
		facts  func(*facts)
		want   string // among the advice; empty for none
	}{
		"nothing":   {func(*sandbox.Info) {}, same, ""},
		"cgroup v1": {func(i *sandbox.Info) { i.CgroupVersion = "1" }, same, "with cgroup v2 (systemd"},
		"no security module": {
			func(i *sandbox.Info) { i.Security = []string{"name=seccomp,profile=builtin", "name=userns"} },
			same,
			"neither AppArmor nor SELinux",
		},
		"SELinux alone": {
			func(i *sandbox.Info) { i.Security = []string{"name=selinux", "name=rootless"} },
			same,
			"",
		},
		"an old runc": {
			func(i *sandbox.Info) { i.Runc = runc.Release{Version: "1.2.5", Commit: "v1.2.5-0-g59923ef"} },
			same,
			"runc 1.2.5 is open to",
		},
		"Debian's runc": {
			func(i *sandbox.Info) { i.Runc = runc.Release{Version: "1.1.5+ds1", Commit: "1.1.5+ds1-1+deb12u2"} },
			same,
			"runc 1.1.5+ds1-1+deb12u2 may be open to",
		},
		"another runtime": {func(i *sandbox.Info) { i.Runc = runc.Release{} }, same, ""},
		"Ubuntu's helper": {
			func(*sandbox.Info) {},
			pattern("|/usr/share/apport/apport -p%p -s%s\n"),
			"run apport as root",
		},
		"systemd's helper": {
			func(*sandbox.Info) {},
			pattern("|/usr/lib/systemd/systemd-coredump %P\n"),
			"run systemd-coredump as root",
		},
		"few inotify instances": {
			func(*sandbox.Info) {},
			edit(inotifyInstances, "4194304", "128"),
			"fs.inotify.max_user_instances=4194304",
		},
		"few, with userns-remap": {
			func(i *sandbox.Info) { i.Security[2] = "name=userns" },
			edit(inotifyInstances, "4194304", "8192"),
			"fs.inotify.max_user_instances=4194304",
		},
		"few, on an engine of root": {
			func(i *sandbox.Info) { i.Security[2] = "name=cgroupns" },
			edit(inotifyInstances, "4194304", "128"),
			"",
		},
		"a core file in some place": {func(*sandbox.Info) {}, pattern("/var/crash/core.%p\n"), ""},
	} {
		f, spec, _ := goodFacts(t, "cgroup2")
		edit(inotifyInstances, "128", "4194304")(&f)
		info := good
		info.Security = slices.Clone(good.Security)
		c.change(&info)
		c.facts(&f)
		p := judge(f, spec, info)
		got := strings.Join(p.Advice, "\n")
		if p.Err() != nil || len(p.Advice) > 1 || (got != "") != (c.want != "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: advice %q, want %q; problems %v", what, got, c.want, p.Err())
		}
	}
}

// TestGVisorNeedsNoAdviceOnTheHostsKernel: gVisor's own kernel stands in front of it.
func TestGVisorNeedsNoAdviceOnTheHostsKernel(t *testing.T) {
	f, spec, info := goodFacts(t, "gvisor")
	info.CgroupVersion, info.Runc = "1", runc.Release{Version: "1.1.5", Commit: "v1.1.5-0-gf19387a6"}
	if p := judge(f, spec, info); p.Err() != nil || len(p.Advice) > 0 {
		t.Errorf("advice %q, problems %v; want none", p.Advice, p.Err())
	}
}

func TestAnEngineOfRootsIsNoted(t *testing.T) {
	for option, want := range map[string]bool{
		"name=seccomp,profile=default": true,
		"name=rootless":                false,
		"name=userns":                  false,
	} {
		f, spec, info := goodFacts(t, "cgroup1")
		info.Security = []string{option}
		p := judge(f, spec, info)
		if got := slices.ContainsFunc(p.Notes,
			func(n string) bool { return strings.Contains(n, "the engine runs as root") }); got != want {
			t.Errorf("%s: notes %q, want it said: %v", option, p.Notes, want)
		}
	}
}

func TestRuncIsOldBeforeItsFixes(t *testing.T) {
	for version, want := range map[string]bool{
		"1.1.5+ds1": true, "1.0.0-rc95": true, "1.1.15": true, "1.2.7": true, "1.2.8": false, "1.2.10": false,
		"1.3.0": true, "1.3.2": true,
		"1.3.3": false, "1.3.3+ds1": false, "1.4.0-rc.2": true, "1.4.0-rc.3": false, "1.4.0~rc.2+ds": true,
		"1.4.0": false, "1.4.1": false,
		"1.5.0": false, "2.0.0": false, "v1.2.5": true, "": false, "unknown": false, "1.1.99999999999999999999": true,
	} {
		if got := (release{Version: version}).beforeFixes(); got != want {
			t.Errorf("runc %q is old: %v, want %v", version, got, want)
		}
	}
}

// TestADistributionsRuncIsOnlySuspected, since it may hold the fixes under its old number. The
// texts are those of Docker's own packages, of runc's releases, of Debian 12 and 13, and of Ubuntu.
func TestADistributionsRuncIsOnlySuspected(t *testing.T) {
	for r, want := range map[release]bool{
		{"1.2.5", "v1.2.5-0-g59923ef"}:                        false,
		{"1.2.5", "59923ef18c98053ddb1acf23ecba10344056c28e"}: false,
		{"1.4.0-rc.2", "v1.4.0-rc.2-0-gd7f2b1f4"}:             false,
		{"1.1.5+ds1", "1.1.5+ds1-1+deb12u1"}:                  true,
		{"1.1.15+ds1", "1.1.15+ds1-2+b4"}:                     true,
		{"1.1.12-0ubuntu2~22.04.1", ""}:                       true,
		{"1.2.5", ""}:                                         true,
	} {
		if got := r.packaged(); got != want {
			t.Errorf("%+v: of a distribution: %v, want %v", r, got, want)
		}
	}
}
