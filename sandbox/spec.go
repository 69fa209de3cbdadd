package sandbox

import (
	"time"

	"vivarium/sandbox/wire"
)

// Fixed places inside every sandbox. Each but Workspace is a tmpfs of its own; the rest of
// the file system is the read-only image.
const (
	Home = "/home/vivarium"    // HOME of every command
	Env  = "/opt/vivarium/env" // the Python environment; fixed, since a venv cannot be moved
	Tmp  = "/tmp"
	Shm  = "/dev/shm"

	// Workspace is the checkout. It is a folder of Tmp's, since programs rename temporary files
	// into it, and rename(2) works within one mount only. vivarium-init makes it.
	Workspace = Tmp + "/workspace"

	// Terminals is where a sandbox's pseudo-terminals are. It counts as full when there are
	// MaxTerminals.
	Terminals    = wire.Terminals
	MaxTerminals = wire.MaxTerminals

	// Seed is a tar in the image, which a build unpacks in Env: a venv that holds pip
	// and, before Python 3.12, setuptools, as `python -m venv` would give.
	Seed = "/opt/vivarium/seed.tar"
	// InitPath is PID 1 in the image.
	InitPath = "/opt/vivarium/init"

	// Names is where PID 1 writes the name of the sandbox's user. /etc/passwd of the image is a
	// link to it.
	Names = "/opt/vivarium/user"

	// GID is the group of every sandbox. One for all will do, since Linux bounds nothing by group.
	GID = 10001
)

// Spec says what one sandbox is made of. Every engine setting follows from it
// (see Settings); there is no other way to configure a container.
type Spec struct {
	Image    string    // runner image: reference or ID
	Instance string    // which Vivarium this container belongs to; a label, used by Sweep
	Deadline time.Time // PID 1 ends the container then; a label too
	Runtime  string    // OCI runtime by the engine's name for it; empty is the engine's default
	Limits   Limits

	withoutIPv6 bool // the engine's kernel has no IPv6; Start finds out

	userIndex int // the user is FirstUser + userIndex; Start chooses one that no other sandbox has
}

// Limits bound what one sandbox may use. Sizes are bytes.
type Limits struct {
	Memory    int64   // of processes; the container's limit is Memory + Disk
	Disk      int64   // the sum of all tmpfs
	CPUs      float64 // never above the engine's count
	Pids      int64
	FileSize  int64 // largest single file (RLIMIT_FSIZE)
	OpenFiles int64 // per process (RLIMIT_NOFILE)
	Sockets   int64 // what TCP and UDP sockets may take beyond Memory; Start sets it to SocketShare
	Inodes    int64 // the sum over all tmpfs
}
