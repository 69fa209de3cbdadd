package sandbox

import "time"

// Command is one program to run in a sandbox.
type Command struct {
	Argv    []string
	Env     []string      // NAME=value, added to the fixed environment of BaseEnv
	Dir     string        // absolute; empty is Workspace
	Timeout time.Duration // zero: until the sandbox's own deadline
	// OpenFiles lowers how many files each process may have open; zero leaves Limits.OpenFiles.
	OpenFiles int64
	// Merged gives stdout and stderr one pipe, so that all output comes as Stdout, in the order in
	// which it was written. Two pipes cannot keep that order.
	Merged bool
	// Report has PID 1 take reports of tests while the command runs (package report). They come as
	// Report, in one order with the output.
	Report bool
	// TestTimeout is how long one reported test may take; zero is without bound.
	TestTimeout time.Duration
}

// Stream says where a piece of output came from.
type Stream uint8

const (
	Stdout Stream = 1
	Stderr Stream = 2
	// Report is whole lines of what the command's tests report. It is as hostile as output: code
	// under test can report whatever it likes.
	Report Stream = 3
)

// Output receives a command's output as it comes, from one goroutine. p is only
// valid during the call. A slow Output slows the command down; an error from it
// kills the command and is what Run returns.
type Output func(stream Stream, p []byte) error

// Result is how a command ended: known, never guessed. A non-zero exit is a
// Result; an error of Run means that the sandbox or the engine broke.
type Result struct {
	ExitCode   int           // valid when Signal is empty
	Signal     string        // such as SIGKILL, when a signal ended it
	TimedOut   bool          // the command's own timeout or the deadline ended it
	TestHung   bool          // one test took longer than TestTimeout, for which the command was ended
	Wall       time.Duration // from start to exit
	CPU        time.Duration // user and system time, of all processes
	PeakMemory int64         // bytes, of the whole container's processes; 0 when not known
	OOMKilled  bool          // the kernel's OOM killer struck during the command
	PidsStruck bool          // a fork was refused by the pids limit during the command
	DiskFull   string        // the tmpfs that ran out of blocks or inodes, or Terminals; empty when none did
	InodesFull bool          // the inodes ran out, not the blocks: there are too many files
	DiskPeak   int64         // bytes, high-water mark over all tmpfs
	Strays     int           // processes left behind and killed
	Sockets    int64         // bytes that waited in sockets when the command was killed for them; else 0
}

// Success reports whether the command exited with status 0, by itself.
func (r Result) Success() bool {
	return r.Signal == "" && r.ExitCode == 0 && !r.TimedOut && !r.TestHung
}
