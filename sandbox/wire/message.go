package wire

import "time"

// Terminals is where the pseudo-terminals of a sandbox are, and MaxTerminals how many a command
// may leave open at a time. The kernel has 3072 for all containers together (kernel.pty.max
// less kernel.pty.reserve), and engines give no container a limit of its own.
const (
	Terminals    = "/dev/pts"
	MaxTerminals = 256
)

// Request says what a stream is for: exactly one of its fields is set.
//
// Names, arguments and paths are bytes, not strings: JSON would replace what is not UTF-8 in them.
type Request struct {
	Hello   *Hello   `json:"hello,omitempty"`
	Extend  *Extend  `json:"extend,omitempty"`
	Run     *Run     `json:"run,omitempty"`
	Listen  *Listen  `json:"listen,omitempty"`
	Put     *Put     `json:"put,omitempty"`
	Archive *Archive `json:"archive,omitempty"`
	Survey  *Survey  `json:"survey,omitempty"`
	Read    *Read    `json:"read,omitempty"`
	Connect *Connect `json:"connect,omitempty"`
}

// Reply ends what a Request began. Error is empty on success.
type Reply struct {
	Error   string   `json:"error,omitempty"`
	NoSpace bool     `json:"no_space,omitempty"` // the cause of Error is a full disk; its text may be a file's name
	Welcome *Welcome `json:"welcome,omitempty"`
	Result  *Result  `json:"result,omitempty"`
	Port    int      `json:"port,omitempty"`
	Survey  *Entries `json:"survey,omitempty"`
	Content *Content `json:"content,omitempty"`
}

// Hello is the first request of a session. No other is served before it.
type Hello struct {
	Version int           `json:"version"`
	TTL     time.Duration `json:"ttl"`     // until the deadline; a duration, since two clocks may differ
	Mounts  []string      `json:"mounts"`  // every tmpfs
	Folder  string        `json:"folder"`  // to be made in one of them
	Disk    int64         `json:"disk"`    // bytes that they may hold together
	Inodes  int64         `json:"inodes"`  // and files
	Pids    int64         `json:"pids"`    // tasks to allow; zero where the kernel counts them
	Sockets int64         `json:"sockets"` // bytes that may wait in sockets; zero where the cgroup counts them
}

// Welcome answers Hello.
type Welcome struct {
	Version int `json:"version"`
}

// Extend moves the deadline.
type Extend struct {
	TTL time.Duration `json:"ttl"`
}

// Run runs a command. Frames of its output follow, then the Reply. It is killed when the host closes
// its side.
type Run struct {
	Argv    [][]byte      `json:"argv"`
	Env     [][]byte      `json:"env"` // all of it
	Dir     []byte        `json:"dir"`
	Timeout time.Duration `json:"timeout,omitempty"`
	// OpenFiles is RLIMIT_NOFILE if it is to be lower than the container's, else 0.
	OpenFiles int64 `json:"open_files,omitempty"`
	Merged    bool  `json:"merged,omitempty"` // stdout and stderr are one pipe, whose frames are KindStdout
	Report    bool  `json:"report,omitempty"` // take reports of tests; see package report
	// TestTimeout is how long one reported test may take; zero is without bound.
	TestTimeout time.Duration `json:"test_timeout,omitempty"`
}

// Result is how a command ended; see sandbox.Result.
type Result struct {
	ExitCode   int           `json:"exit_code"`
	Signal     string        `json:"signal,omitempty"`
	TimedOut   bool          `json:"timed_out,omitempty"`
	TestHung   bool          `json:"test_hung,omitempty"`
	Wall       time.Duration `json:"wall"`
	CPU        time.Duration `json:"cpu"`
	PeakMemory int64         `json:"peak_memory"`
	OOMKilled  bool          `json:"oom_killed,omitempty"`
	PidsStruck bool          `json:"pids_struck,omitempty"`
	DiskFull   string        `json:"disk_full,omitempty"`
	InodesFull bool          `json:"inodes_full,omitempty"` // the inodes ran out, not the blocks
	DiskPeak   int64         `json:"disk_peak"`
	Strays     int           `json:"strays"`
	Sockets    int64         `json:"sockets,omitempty"` // bytes that waited in sockets, if they were too many
}

// Listen opens a port for a service. The first Reply has the port; the second is sent
// when the host has closed its side and every connection is cut.
type Listen struct {
	Service uint32 `json:"service"` // the host's number for it
}

// Connect is the one request that the guest makes: a process has connected to a service.
type Connect struct {
	Service uint32 `json:"service"`
}

// Put unpacks a tar into Dir. KindData frames follow, then KindEnd.
type Put struct {
	Dir string `json:"dir"`
}

// Archive packs Paths below Dir. The answer is KindData frames, then the Reply.
type Archive struct {
	Dir   string   `json:"dir"`
	Paths [][]byte `json:"paths"`
}

// Survey lists the tree below Dir, Depth levels of it. The answer is Replies with Entries; the Reply
// without Entries is the last.
type Survey struct {
	Dir      string `json:"dir"`
	MaxFiles int    `json:"max_files"`
	Depth    int    `json:"depth,omitempty"` // 0: all levels
}

// Entries is a part of a survey.
type Entries struct {
	Files     []File `json:"files,omitempty"`
	Truncated bool   `json:"truncated,omitempty"`
}

// File is one entry of a tree.
type File struct {
	Path []byte `json:"path"`
	Size int64  `json:"size"`
	Dir  bool   `json:"dir,omitempty"`
	Link []byte `json:"link,omitempty"`
}

// Read reads the files at Paths below Dir. The answer is Replies with Content, each followed by as
// many KindData frames as its size needs. The Reply without Content is the last. A file is left out
// when it is not regular, cannot be read, or is too large.
type Read struct {
	Dir      string   `json:"dir"`
	Paths    [][]byte `json:"paths"`
	MaxBytes int64    `json:"max_bytes"` // of each file
	MaxTotal int64    `json:"max_total"`
}

// Content announces the contents of a file.
type Content struct {
	Path []byte `json:"path"`
	Size int64  `json:"size"`
}
