package posture

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vivarium/sandbox/runc"
)

func (j *judgement) advise(text string) { j.Advice = append(j.Advice, text) }

// advice is about what weakens sandboxes without breaking a promise. Under gVisor only the engine's
// own rights matter: its kernel stands in front of the host's, counts its buffers as memory, and
// starts no helper.
func (j *judgement) advice() {
	if !j.gvisor {
		j.buffers()
		j.securityModule()
		j.runcAge()
		j.coreHelper()
		j.sharedUser()
	}
	if !j.security("rootless") && !j.security("userns") {
		j.note("the engine runs as root: a rootless engine, or userns-remap in its configuration, narrows what an " +
			"escape from a sandbox gains")
	}
}

// buffers: with no other bound, 211 loopback connections held 804 MiB beyond a limit of cgroup
// version 1 (engine 20.10).
func (j *judgement) buffers() {
	if j.info.CgroupVersion == "1" {
		j.advise("bytes that wait in a build's TCP and UDP sockets take memory beyond its limit, " +
			"since cgroup v1 does not count it: boot the engine's machine with cgroup v2 " +
			"(systemd.unified_cgroup_hierarchy=1), or use gVisor (VIVARIUM_RUNTIME=runsc)")
	}
}

func (j *judgement) securityModule() {
	if !j.security("apparmor") && !j.security("selinux") {
		j.advise("the engine has neither AppArmor nor SELinux behind its other walls: use a kernel with one of them, " +
			"and install apparmor, or set \"selinux-enabled\" in the engine's configuration")
	}
}

// coreHelper: after a crash the kernel starts the program that core_pattern names after a "|". It
// runs as root, outside of any sandbox, and reads data of the process that crashed; see core(5).
func (j *judgement) coreHelper() {
	if helper, pipe := strings.CutPrefix(strings.TrimSpace(j.Files["/proc/sys/kernel/core_pattern"]), "|"); pipe {
		name, _, _ := strings.Cut(strings.TrimSpace(helper), " ")
		j.advise("a crash in a build has the engine's machine run " + path.Base(name) + " as root: there, set " +
			"`sysctl -w kernel.core_pattern=core`, and in /etc/sysctl.d for the next start (with apport: systemctl " +
			"disable --now apport)")
	}
}

const inotifyInstances = "/proc/sys/fs/inotify/max_user_instances"

// enoughInstances is more inotify instances than the memory of a sandbox holds, at about 1 KiB
// each. With this limit the memory bounds them.
const enoughInstances = 1 << 22

// sharedUser: Linux counts an inotify instance in its user namespace, and again for the user who
// made the namespace. That user is the same for all sandboxes. Measured: the first of two took 128
// instances, and the second, and root outside, got none.
func (j *judgement) sharedUser() {
	most, err := strconv.Atoi(strings.TrimSpace(j.Files[inotifyInstances]))
	if (j.security("userns") || j.security("rootless")) && (err != nil || most < enoughInstances) {
		j.advise(
			"in user namespaces (userns-remap, rootless) one build can use up the inotify instances of all others " +
				"and of the " +
				"user that the engine runs as: on the engine's machine, set `sysctl -w fs.inotify.max_user_instances=" +
				strconv.Itoa(enoughInstances) + "`, and in /etc/sysctl.d for the next start",
		)
	}
}

// security reports whether the engine has one of its security options.
func (j *judgement) security(name string) bool {
	return slices.ContainsFunc(j.info.Security, func(option string) bool {
		first, _, _ := strings.Cut(option, ",")
		return first == "name="+name
	})
}

const runcFlaws = "ways out of November 2025 (CVE-2025-31133, CVE-2025-52565, CVE-2025-52881)"

func (j *judgement) runcAge() {
	r := release(j.info.Runc)
	if r.Version == "" || !r.beforeFixes() || j.spec.Runtime != "" && j.spec.Runtime != j.info.Runtime {
		return
	}
	if !r.packaged() {
		j.advise("runc " + r.Version + " is open to " + runcFlaws + ": install runc 1.2.8, 1.3.3, 1.4.0, or later")
		return
	}
	j.advise(
		"runc " + cmp.Or(r.Commit,
			r.Version) + " may be open to " + runcFlaws + ", since a distribution mends under an old number: " +
			"install its updates, and look for these in its security tracker; runc itself is mended from 1.2.8 and " +
			"1.3.3 on",
	)
}

// release is one of runc.
type release runc.Release

var runcVersion = regexp.MustCompile(`^v?(\d+)\.(\d+)\.(\d+)(?:[-~]rc\.?(\d+))?`)

// beforeFixes compares with the first releases that hold the fixes: 1.2.8, 1.3.3 and 1.4.0-rc.3. A
// version that cannot be read counts as new enough.
func (r release) beforeFixes() bool {
	m := runcVersion.FindStringSubmatch(r.Version)
	if m == nil {
		return false
	}
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1]) // digits; a number too long for an int becomes the largest int
	}
	first, known := map[[2]int][]int{{1, 2}: {1, 2, 8}, {1, 3}: {1, 3, 3}, {1, 4}: {1, 4, 0}}[[2]int{n[0], n[1]}]
	if !known {
		return slices.Compare(n[:2], []int{1, 2}) < 0
	}
	if candidate, err := strconv.Atoi(m[4]); err == nil && slices.Equal(n[:], []int{1, 4, 0}) {
		return candidate < 3
	}
	return slices.Compare(n[:], first) < 0
}

// packaged reports whether a distribution has built it: then its number is longer than those of
// runc's own releases, or its commit is none of theirs.
func (r release) packaged() bool {
	own := regexp.MustCompile(`^v?\d+\.\d+\.\d+(-rc\.?\d+)?$`).MatchString(r.Version)
	return !own || !regexp.MustCompile(`^(v\d.*-g)?[0-9a-f]{7,40}$`).MatchString(r.Commit)
}
