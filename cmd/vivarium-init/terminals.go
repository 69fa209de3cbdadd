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

// terminalWatch counts the sandbox's pseudo-terminals. A terminal loses its name below /dev/pts
// when its first end is closed. The kernel counts it for the machine until both ends are closed.
type terminalWatch struct {
	lowest int // the least that the machine had since the command's start
	next   time.Time
}

// newTerminalWatch is made before its command starts.
func newTerminalWatch() terminalWatch {
	w := terminalWatch{lowest: math.MaxInt}
	if n, err := machineTerminals(); err == nil {
		w.lowest = n
	}
	return w
}

// count is how many terminals the sandbox has. The names are counted first. When the machine has
// more terminals than one sandbox may, count also looks at what the processes have open. This takes
// a tenth of the time at most.
//
// Where the kernel has no count for the machine, count is 0. That is gVisor's, whose terminals are
// memory of their own sandbox; and gVisor of December 2022 ends when a terminal is closed while
// somebody lists their names.
func (w *terminalWatch) count(now time.Time) int {
	machine, err := machineTerminals()
	if err != nil {
		return 0
	}
	names := terminalNames()
	if len(names) > wire.MaxTerminals {
		return len(names)
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

// terminalNames are the names of terminals whose first end is open. The sandbox's devpts lists no
// others.
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

// heldTerminals are the terminals that a process of the sandbox has an end of.
type heldTerminals struct {
	names  map[string]bool
	hidden bool // there may be more where PID 1 cannot look
	left   int  // how many descriptors may still be looked at
}

// manyDescriptors is how many descriptors one look takes in, at about two microseconds each. A
// build can open millions.
const manyDescriptors = 32768

// of is the number of terminals when the machine has so many more than before. Where PID 1 cannot
// look, all of these count as the sandbox's.
func (h *heldTerminals) of(grown int) int {
	if h.hidden {
		return max(len(h.names), grown)
	}
	return len(h.names)
}

// look goes through all threads, since each can have descriptors of its own. PID 1 has no terminal.
func (h *heldTerminals) look(proc string) {
	tasks, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "task", "[0-9]*"))
	for _, task := range tasks {
		if strings.HasPrefix(task, filepath.Join(proc, "1")+"/") {
			continue
		}
		files, err := os.ReadDir(filepath.Join(task, "fd"))
		if errors.Is(err, fs.ErrPermission) && !ended(task) {
			h.hidden = true // a process can forbid others of its user to look
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

// inFlight reports whether descriptors wait in a Unix socket, where nobody can see what they are
// of. Linux says so from 5.6 on.
func inFlight(fdinfo string) bool {
	text, _ := os.ReadFile(fdinfo)
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "scm_fds:"); ok {
			return strings.TrimSpace(n) != "0"
		}
	}
	return false
}

// ended reports whether a thread is a zombie. It has nothing open then, and nobody may look.
func ended(task string) bool {
	text, err := os.ReadFile(filepath.Join(task, "stat"))
	if err != nil {
		return true
	}
	name := max(bytes.LastIndexByte(text, ')'), 0) // the name before it may hold anything
	_, state, _ := bytes.Cut(text[name:], []byte(" "))
	return bytes.HasPrefix(state, []byte("Z")) || bytes.HasPrefix(state, []byte("X"))
}
