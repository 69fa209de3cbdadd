package main

// settings are the container's settings, one mutant each. Settings that only keep an engine's
// configuration from changing a sandbox are left out (Init, RestartPolicy, Healthcheck, Hostname):
// without them nothing changes on an engine as it comes.
var settings = []mutant{
	inSettings("no network", `NetworkMode:    "none",`, `NetworkMode:    "bridge",`, "^TestReach$"),
	inSettings("capabilities dropped", `CapDrop:        []string{"ALL"},`, ``, "^TestPrivileges$"),
	inSettings("no new privileges", `"no-new-privileges:true", `, ``, "^TestPrivileges$"),
	inSettings("the profile", `, "seccomp=" + seccompProfile`, ``, "^TestPrivileges$"),
	inSettings("any filter", `"seccomp=" + seccompProfile`, `"seccomp=unconfined"`, "^TestPrivileges$"),
	inSettings("masked paths", `MaskedPaths:    hidden.Masked,`, `MaskedPaths:    []string{},`, "^TestMachine$"),
	inSettings("masked paths of our own", `MaskedPaths:    hidden.Masked,`, ``, "^TestMachine$"),
	{"settings: no pressure", "sandbox/hidden/hidden.go", `"/proc/pressure",`, ``, "^TestMachine$"},
	inSettings("read-only paths", `ReadonlyPaths:  hidden.ReadOnly,`, `ReadonlyPaths:  []string{},`, "^TestBounds$"),
	inSettings("no name server", `[]string{"127.0.0.1"},`, `nil,`, "^TestMachine$"),
	inSettings("read-only image", `ReadonlyRootfs: true,`, ``, "^TestBounds$"),
	// The group only: as root no build unpacks its seed.
	{"settings: a group of its own", "sandbox/spec.go", `GID = 10001`, `GID = 0`, "^TestPrivileges$"},
	inSettings("no set-uid", `"rw,nosuid,nodev,exec"`, `"rw,suid,nodev,exec"`, "^TestBounds$"),
	inSettings("no devices", `"rw,nosuid,nodev,exec"`, `"rw,nosuid,dev,exec"`, "^TestBounds$"),
	inSettings("bytes of a place", `"size=" + strconv.FormatInt(size, 10),`,
		`"size=" + strconv.FormatInt(size*1024, 10),`, "^TestBounds$"),
	inSettings("files of a place", `"nr_inodes=" + strconv.FormatInt(l.Inodes, 10),`, ``, "^TestBounds$"),
	inSettings("/dev/shm as the other places", `{Tmp, Home, Env, Shm}`, `{Tmp, Home, Env}`, "^TestBounds$"),
	inSettings("memory", `memory := l.Memory + l.Disk`, `memory := int64(0)`, "^TestBounds$"),
	inSettings("no swap", `MemorySwap: memory,`, `MemorySwap: 0,`, "^TestBounds$"),
	inSettings("CPU time", `NanoCPUs:   nanoCPUs(l.CPUs, cpus),`, ``, "^TestBounds$"),
	inSettings("processes", `resources(l, spec.HostPids(), info.CPUs)`, `resources(l, -1, info.CPUs)`, "^TestBounds$"),
	inSettings("core files", `{Name: "core", Soft: 1, Hard: 1},`, `{Name: "core", Soft: -1, Hard: -1},`,
		"^TestBounds$"),
	inSettings("size of a file", `{Name: "fsize", Soft: l.FileSize, Hard: l.FileSize},`, ``, "^TestBounds$"),
	inSettings("open files", `{Name: "nofile", Soft: l.OpenFiles, Hard: l.OpenFiles},`,
		`{Name: "nofile", Soft: 20000, Hard: 20000},`, "^TestBounds$"),
	inSettings("IPC of its own", `container.IPCModePrivate`, `"host"`, "^TestBounds$"),
	inSettings("cgroup namespace of its own", `container.CgroupnsModePrivate`, `container.CgroupnsModeHost`,
		"^TestBounds$"),
	inSettings("no log at the engine", `LogConfig:      container.LogConfig{Type: "none"},`, ``, "^TestContainer$"),
	inSettings("removal at the end", `AutoRemove:     true,`, ``, "^TestContainer$"),
	inSettings("the end with the session", `OpenStdin: true, StdinOnce: true,`, `OpenStdin: true,`, "^TestContainer$"),
	inSettings("a user of its own", `l, user, no := spec.Limits, spec.User(), false`,
		`l, user, no := spec.Limits, FirstUser, false`, "^TestNeighbours$"),
	inSettings("namespaces of its own", `container.IPCModePrivate`, `"host"`, "^TestNeighbours$"),
	inSettings("the configured runtime", `Runtime:        spec.Runtime,`, ``, "^TestContainer$"),
}

func inSettings(name, old, new, attacks string) mutant {
	return mutant{"settings: " + name, "sandbox/settings.go", old, new, attacks}
}
