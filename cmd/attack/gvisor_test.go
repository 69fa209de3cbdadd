package attack

import (
	"fmt"
	"testing"

	"vivarium/images/imagestest"
)

// gvisorIsAsked is the outcome for protocols that make Linux load a module.
const gvisorIsAsked = "gVisor's own kernel is asked, which loads no modules"

// gvisorsFilter is the outcome for programs of BPF.
const gvisorsFilter = "gVisor's own kernel runs the program, in the sandbox's memory"

// insideGVisor says what holds where gVisor's own kernel allows what the profile or a setting
// refuses under runc. The call reaches only gVisor's kernel. That one can make only the few calls
// to the machine's kernel that its own filter lets through (docs/gvisor.md).
var insideGVisor = map[string]string{
	"seccomp":          "gVisor's kernel is the filter; the profile is for the machine's",
	"ptrace":           "gVisor's own ptrace, which reaches processes of the sandbox only",
	"clone-user":       "a user namespace of gVisor's kernel, whose root is nobody on the machine",
	"unshare-user":     "a user namespace of gVisor's kernel, whose root is nobody on the machine",
	"unshare-mount":    "a mount namespace of gVisor's kernel, in which there is nothing of the machine's to mount",
	"io-uring":         "gVisor's own io_uring; the machine's is not called",
	"socket-filter":    gvisorsFilter,
	"filter-high-bits": gvisorsFilter,
	"reuseport-filter": gvisorsFilter,
	"seccomp-filter":   gvisorsFilter,
	"prctl-filter":     gvisorsFilter,
	"netlink-route":    "a socket of gVisor's kernel, which knows the sandbox's loopback alone",
	"netlink-events":   "a socket of gVisor's kernel, which has no devices of the machine's",
	"netlink-module":   gvisorIsAsked,
	"netlink-pair":     gvisorIsAsked,
	"sctp-v6":          gvisorIsAsked,
	"sctp-pair":        gvisorIsAsked,
	"l2tp":             gvisorIsAsked,
	"udp-lite":         gvisorIsAsked,
	"dccp":             gvisorIsAsked,
	"ping":             "a socket of gVisor's own network, which is the sandbox's loopback alone",
	"aio":              "gVisor's own; the machine's count is not touched",
	"huge-pages":       "gVisor gives ordinary pages",
	"huge-segment":     "gVisor gives ordinary pages",
	"mknod":            "a node for gVisor's kernel, which has no devices of the machine's",
	"set-uid-copy":     "no-new-privileges holds, so that no set-uid bit counts",
	"pid1-environment": "it is that of the image, and holds nothing secret",
	"pid1-files":       "they can be opened, and the session's seal ends the sandbox when they are written to",
	"command-line":     "it is gVisor's own, the same on every machine",
	"core-lowered":     "a crash is one of gVisor's own kernel, which starts nothing on the machine",
	"core-setrlimit":   "a crash is one of gVisor's own kernel, which starts nothing on the machine",
	"pid1-limits":      "they can be set, which can end its own sandbox and nothing else",
	"devices":          "gVisor's kernel has no devices of the machine's to open",
	"set-uid":          "no-new-privileges holds, so that no set-uid bit counts",
	"oom-score":        "without meaning there: the host ends the sandbox as a whole",
	"files":            "gVisor counts no inodes; its files are memory, whose limit holds",
}

// refusedTwice checks that an attack was refused as setup.py and as tests, or that under gVisor
// insideGVisor says what holds instead.
func refusedTwice(t *testing.T, l *line, name, refused string, setup, tests result) {
	t.Helper()
	for phase, r := range map[string]result{"setup.py": setup, "tests": tests} {
		instead, known := insideGVisor[name]
		switch {
		case r.outcome == "refused":
			l.outcome = fmt.Sprintf("%s (%s) in setup.py and tests", refused, r.detail)
		case r.outcome == "worked" && imagestest.GVisor() && known:
			l.outcome = instead
		default:
			t.Errorf("in %s it %s (%s)", phase, r.outcome, r.detail)
		}
	}
}
