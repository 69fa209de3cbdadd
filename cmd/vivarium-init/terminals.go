//go:build linux

package main

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"vivarium/sandbox/wire"
)

// terminalWatch counts the sandbox's pseudo-terminals. A name below /dev/pts goes when the first end of one is closed, and
// the kernel's count for the machine only when both are.
type terminalWatch struct {
	lowest int // the machine's, the least since the command's start
	next   time.Time
}

// newTerminalWatch is for one command, which is not running yet.
func newTerminalWatch() terminalWatch {
	w := terminalWatch{lowest: math.MaxInt}
	if n, err := machineTerminals(); err == nil {
		w.lowest = n
	}
	return w
}

// count is how many the sandbox has, as far as it matters: the names, and where the machine has more than one sandbox may,
// what its processes have open. That takes up to a tenth of the time.
func (w *terminalWatch) count(now time.Time) int {
	names := terminalNames()
	machine, err := machineTerminals()
	if err != nil || len(names) > wire.MaxTerminals {
		return len(names) // gVisor's kernel has no count for the machine
	}
	w.lowest = min(w.lowest, machine)
	if machine <= wire.MaxTerminals || now.Before(w.next) {
		return len(names)
	}
	held := heldTerminals{names: names, left: manyDescriptors}
	held.look("/proc")
	w.next = now.Add(max(slowest, 10*time.Since(now)))
	return held.of(machine - w.lowest)
}

func machineTerminals() (int, error) {
	text, err := os.ReadFile("/proc/sys/kernel/pty/nr")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(bytes.TrimSpace(text)))
}

// terminalNames are those whose first end is open. The sandbox's devpts lists its own alone.
func terminalNames() map[string]bool {
	names := map[string]bool{}
	entries, _ := os.ReadDir(wire.Terminals)
	for _, e := range entries {
		if e.Name() != "ptmx" {
			names[e.Name()] = true
		}
	}
	return names
}

// heldTerminals are the terminals of which a process of the sandbox has an end open.
type heldTerminals struct {
	names  map[string]bool
	hidden bool // there may be more where we cannot look
	left   int  // descriptors to look at
}

// manyDescriptors is how many are looked at, at some two microseconds each. A build can open millions.
const manyDescriptors = 32768

// of counts them when the machine has so many more than before. What we cannot see is ours then: neighbours have no more than
// one sandbox may each.
func (h *heldTerminals) of(grown int) int {
	if h.hidden {
		return max(len(h.names), grown)
	}
	return len(h.names)
}

// look goes through the threads, since each can have descriptors of its own. PID 1 has none of a terminal.
func (h *heldTerminals) look(proc string) {
	tasks, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "task", "[0-9]*"))
	for _, task := range tasks {
		if strings.HasPrefix(task, filepath.Join(proc, "1")+"/") {
			continue
		}
		files, err := os.ReadDir(filepath.Join(task, "fd"))
		if errors.Is(err, fs.ErrPermission) && !ended(task) {
			h.hidden = true // a process can close itself to others of its user
		}
		for _, f := range files {
			if h.left--; h.left < 0 {
				h.hidden = true
				return
			}
			h.descriptor(task, f.Name())
		}
	}
}

func (h *heldTerminals) descriptor(task, number string) {
	target, err := os.Readlink(filepath.Join(task, "fd", number))
	if err != nil {
		return // closed meanwhile
	}
	if name, ok := strings.CutPrefix(target, wire.Terminals+"/"); ok && name != "ptmx" {
		h.names[strings.TrimSuffix(name, " (deleted)")] = true
	}
	if strings.HasPrefix(target, "socket:") && !h.hidden {
		h.hidden = inFlight(filepath.Join(task, "fdinfo", number))
	}
}

// inFlight reports whether descriptors wait in a Unix socket, where they can be of anything. Linux says so from 5.6 on.
func inFlight(fdinfo string) bool {
	text, _ := os.ReadFile(fdinfo)
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "scm_fds:"); ok {
			return strings.TrimSpace(n) != "0"
		}
	}
	return false
}

// ended reports whether a thread has ended and waits for its parent: it has nothing open, and nobody may look.
func ended(task string) bool {
	text, err := os.ReadFile(filepath.Join(task, "stat"))
	if err != nil {
		return true
	}
	_, state, _ := bytes.Cut(text[max(bytes.LastIndexByte(text, ')'), 0):], []byte(" ")) // its name may hold anything
	return bytes.HasPrefix(state, []byte("Z")) || bytes.HasPrefix(state, []byte("X"))
}
