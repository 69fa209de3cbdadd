package sandbox

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"vivarium/sandbox/hidden"
)

// Labels of a sandbox's container: whose it is, and until when.
const (
	LabelInstance = "vivarium.instance"
	LabelDeadline = "vivarium.deadline" // RFC 3339, UTC
)

// seccompProfile is the engine's default profile made narrower. It is generated: a test compares it
// with what profile_linux_test.go derives. It is a file because the package that it is derived from
// builds on Linux only.
//
//go:embed seccomp.json
var seccompProfile string

// ShmSize is the usual size of /dev/shm, in bytes. A sandbox has this, or the size of its disk
// where that is less.
const ShmSize = 64 << 20

const (
	hostname     = "vivarium"
	loopbackIPv6 = "net.ipv6.conf.lo.disable_ipv6"
)

// Settings returns every setting of the container that spec describes. info is what the engine says
// of itself.
//
// Each tmpfs but /dev/shm may grow to the whole of Limits.Disk. Nobody knows beforehand whether a
// build needs its room for the checkout, the environment or temporary files, and a fixed split
// would refuse builds that fit. vivarium-init watches that all of them together stay below the
// limit: it looks more often the less is left, and ends the command that goes over. Pages of a
// tmpfs are charged to the container's memory. So the container's limit is the sum of both, and
// files never take memory from processes.
func Settings(spec Spec, info Info) (container.Config, container.HostConfig) {
	l, user, no := spec.Limits, spec.User(), false
	config := container.Config{
		Hostname:    hostname,
		User:        fmt.Sprintf("%d:%d", user, GID),
		AttachStdin: true, AttachStdout: true, AttachStderr: true,
		OpenStdin: true, StdinOnce: true,
		Image:       spec.Image,
		Entrypoint:  []string{InitPath},
		WorkingDir:  "/",
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
		Labels: map[string]string{
			LabelInstance: spec.Instance,
			LabelDeadline: spec.Deadline.UTC().Format(time.RFC3339),
		},
	}
	host := container.HostConfig{
		NetworkMode:    "none",
		AutoRemove:     true,
		RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyDisabled},
		LogConfig:      container.LogConfig{Type: "none"},
		CapDrop:        []string{"ALL"},
		SecurityOpt:    []string{"no-new-privileges:true", "seccomp=" + seccompProfile},
		MaskedPaths:    hidden.Masked,
		ReadonlyPaths:  hidden.ReadOnly,
		ReadonlyRootfs: true,
		IpcMode:        container.IPCModePrivate,
		CgroupnsMode:   container.CgroupnsModePrivate,
		Tmpfs:          tmpfs(l, user),
		Runtime:        spec.Runtime,
		Init:           &no, // an engine may be configured to put its own PID 1 in front
		// Otherwise resolv.conf would hold the name servers and domains of the machine. Nothing
		// answers at this address, so that a look-up fails at once.
		DNS:        []string{"127.0.0.1"},
		DNSSearch:  []string{"."},
		DNSOptions: []string{"attempts:1"},
		// Without a network an engine leaves the host name out of /etc/hosts.
		ExtraHosts: []string{hostname + ":127.0.0.1"},
		Sysctls:    sysctls(spec),
		Resources:  resources(l, spec.HostPids(), info.CPUs),
	}
	return config, host
}

// sysctls give loopback its IPv6 address, ::1, which engines before 26 take away where there is no
// network. No other interface gets one, and there is no route but to loopback.
func sysctls(spec Spec) map[string]string {
	if spec.withoutIPv6 {
		return nil
	}
	return map[string]string{loopbackIPv6: "0"}
}

func resources(l Limits, pids int64, cpus int) container.Resources {
	memory := l.Memory + l.Disk
	return container.Resources{
		Memory:     memory,
		MemorySwap: memory, // no swap; zero would mean twice the memory
		NanoCPUs:   nanoCPUs(l.CPUs, cpus),
		PidsLimit:  &pids,
		// Never set nproc: it counts a user's processes across all containers.
		Ulimits: []*container.Ulimit{
			// One byte, and not zero. Neither lets a core file be written. But core_pattern may
			// name a program, which on many machines a crash then starts, as root and outside of
			// the container. Only with a limit of one does the kernel not start it (do_coredump in
			// the kernel's fs/coredump.c: "RLIMIT_CORE set to 1 ... Aborting core").
			{Name: "core", Soft: 1, Hard: 1},
			{Name: "fsize", Soft: l.FileSize, Hard: l.FileSize},
			{Name: "nofile", Soft: l.OpenFiles, Hard: l.OpenFiles},
		},
	}
}

// nanoCPUs never exceeds the engine's count, which would make every create fail.
func nanoCPUs(cpus float64, has int) int64 { return int64(min(cpus, float64(has)) * 1e9) }

// namesSize is many times what the names of a base's users take, and so little that no limit counts
// it.
const namesSize = 64 << 10

// mounts are all places that builds may write to.
var mounts = []string{Tmp, Home, Env, Shm}

func tmpfs(l Limits, user int) map[string]string {
	m := map[string]string{Names: fmt.Sprintf("rw,nosuid,nodev,size=%d,nr_inodes=16,mode=1777", namesSize)}
	for _, path := range mounts {
		size, owner := l.Disk, fmt.Sprintf("uid=%d,gid=%d,mode=0700", user, GID)
		switch path {
		case Shm:
			size, owner = min(l.Disk, ShmSize), "mode=1777"
		case Tmp:
			owner = "mode=1777"
		}
		m[path] = strings.Join([]string{
			// The engine puts noexec in front of these; compiled wheels need exec.
			"rw,nosuid,nodev,exec",
			"size=" + strconv.FormatInt(size, 10),
			"nr_inodes=" + strconv.FormatInt(l.Inodes, 10),
			owner,
		}, ",")
	}
	return m
}
