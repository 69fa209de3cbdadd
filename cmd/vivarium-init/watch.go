//go:build linux

package main

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"vivarium/sandbox/wire"
)

// How often the tmpfs mounts are looked at. A program that meets a full disk often cleans up at
// once (pip and tempfile do), so a look must come before that. The less is left, the sooner the
// next look comes: not even a writer of fillRate can fill what is left before it.
const (
	slowest     = 50 * time.Millisecond
	quickest    = time.Millisecond
	fillRate    = 4 << 30  // bytes per second; twice what was measured
	createRate  = 1 << 20  // files per second
	forkRate    = 4 << 10  // tasks per second, under gVisor
	allocRate   = fillRate // bytes of memory per second, under gVisor
	memoryEvery = slowest
)

// A mount counts as full when what is left could be filled between two of the quickest looks.
const (
	fullBytes  = fillRate / 1000
	fullInodes = createRate / 1000
)

// spareMemory is how much of a sandbox's memory, in bytes, is left for gVisor's own kernel and for
// what a program takes between two looks. With 400 MiB, up to 17 MiB were not counted when the
// host's kernel ended gVisor. In a small sandbox an eighth of the memory is left instead.
const spareMemory = 48 << 20

// watch observes one command's use of disk and memory. Each mount may hold as much as all of them
// together may, since nobody knows beforehand where a build needs how much. The sum over all mounts
// is watched here, and a command that exceeds it is killed.
type watch struct {
	mounts       []string
	bytes, files int64 // what the mounts may hold together
	pids         int64 // how many tasks there may be, where the kernel does not count them (gVisor's); else zero
	sockets      socketWatch
	terminals    terminalWatch
	exceeded     chan struct{}
	begun        bool
	held         int64 // bytes in the mounts, which are memory too, at the last look

	// Valid once watching has stopped.
	pidsStruck  bool
	outOfMemory bool   // for gVisor, whose kernel ends no process for that
	full        string // the first mount that was full; wire.Terminals when there were too many terminals
	inodesFull  bool   // it was full of files, not of bytes
	peakBytes   int64
	peakAnon    int64
}

func newWatch(h *wire.Hello) *watch {
	return &watch{
		mounts:    h.Mounts,
		bytes:     h.Disk,
		files:     h.Inodes,
		pids:      h.Pids,
		sockets:   newSocketWatch(h.Sockets),
		terminals: newTerminalWatch(),
		exceeded:  make(chan struct{}),
	}
}

type watching struct {
	quit chan struct{}
	done sync.WaitGroup
}

func (w *watch) start() *watching {
	run := &watching{quit: make(chan struct{})}
	run.done.Go(func() { w.run(run.quit) })
	return run
}

func (r *watching) stop() {
	close(r.quit)
	r.done.Wait()
}

func (w *watch) run(quit <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var memory time.Time
	over := false
	for {
		select {
		case <-quit:
			w.look(mountUses(w.mounts))
			w.peakAnon = max(w.peakAnon, anonymous())
			return
		case now := <-timer.C:
			next, exceeded := w.lookAtAll(now)
			if exceeded && !over {
				over = true
				close(w.exceeded)
			}
			if now.Sub(memory) >= memoryEvery {
				memory = now
				w.peakAnon = max(w.peakAnon, anonymous())
			}
			timer.Reset(next)
		}
	}
}

// lookAtAll looks at all that has a limit. It says when the next look is due, and whether the
// command exceeds a limit.
func (w *watch) lookAtAll(now time.Time) (next time.Duration, exceeded bool) {
	next, exceeded = w.look(mountUses(w.mounts))
	if w.pids > 0 {
		left, struck := w.count(system())
		next, exceeded = min(next, left), exceeded || struck
	}
	if w.countTerminals(w.terminals.count(now)) {
		exceeded = true
	}
	soon, sent := w.sockets.look(now)
	return min(next, soon), exceeded || sent
}

// usage is what a kernel says of all that runs on it. For the host's kernel this is the whole
// machine, for gVisor's it is this sandbox.
type usage struct {
	tasks        int64
	memory, free int64 // bytes
}

func system() usage {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return usage{}
	}
	unit := int64(info.Unit)
	return usage{int64(info.Procs), int64(info.Totalram) * unit, int64(info.Freeram) * unit}
}

// count says when to look again, and whether there are too many tasks or too little memory. When
// memory has run out, the host's kernel would end all of gVisor, PID 1 too, and might not say why.
func (w *watch) count(u usage) (next time.Duration, exceeded bool) {
	left := u.free - min(spareMemory, u.memory/8)
	w.pidsStruck = w.pidsStruck || u.tasks > w.pids
	w.outOfMemory = w.outOfMemory || u.memory > 0 && left < 0
	w.peakAnon = max(w.peakAnon, u.memory-u.free-w.held)
	next = min(timeToFill(w.pids-u.tasks, forkRate), timeToFill(left, allocRate))
	return max(next, quickest), w.pidsStruck || w.outOfMemory
}

// countTerminals reports whether there are too many pseudo-terminals.
func (w *watch) countTerminals(n int) (exceeded bool) {
	if n <= wire.MaxTerminals {
		return false
	}
	w.setFull(wire.Terminals, true)
	return true
}

// use is how full one mount is.
type use struct {
	path                 string
	usedBytes, freeBytes int64
	usedFiles, freeFiles int64
}

func mountUses(paths []string) []use {
	uses := make([]use, 0, len(paths))
	for _, path := range paths {
		var fs unix.Statfs_t
		if err := unix.Statfs(path, &fs); err != nil {
			continue
		}
		size := int64(fs.Bsize)
		uses = append(uses, use{
			path:      path,
			usedBytes: int64(fs.Blocks-fs.Bfree) * size, freeBytes: int64(fs.Bavail) * size,
			usedFiles: int64(fs.Files-fs.Ffree) - 1, freeFiles: int64(fs.Ffree), // one is the mount's own directory
		})
	}
	return uses
}

// look takes the figures of one look. It says when the next look is due, and whether the mounts
// together hold more than they may.
func (w *watch) look(uses []use) (next time.Duration, exceeded bool) {
	next = slowest
	var bytes, files int64
	var largest, most use
	for _, u := range uses {
		bytes += u.usedBytes
		files += u.usedFiles
		if u.usedBytes > largest.usedBytes {
			largest = u
		}
		if u.usedFiles > most.usedFiles {
			most = u
		}
		switch {
		case u.bytesFull():
			w.setFull(u.path, false)
		case u.filesFull():
			w.setFull(u.path, true)
		}
		next = min(next, timeToFill(u.freeBytes, fillRate), timeToFill(u.freeFiles, createRate))
	}
	w.held, w.peakBytes = bytes, max(w.peakBytes, bytes)
	if !w.begun {
		// An earlier command may have left too much. This one may not add to it, but it may clean
		// up.
		w.begun, w.bytes, w.files = true, max(w.bytes, bytes), max(w.files, files)
	}
	switch {
	case bytes > w.bytes:
		exceeded = true
		w.setFull(largest.path, false)
	case files > w.files:
		exceeded = true
		w.setFull(most.path, true)
	}
	next = min(next, timeToFill(w.bytes-bytes, fillRate), timeToFill(w.files-files, createRate))
	return max(next, quickest), exceeded
}

func (w *watch) setFull(path string, inodes bool) {
	if w.full == "" {
		w.full, w.inodesFull = path, inodes
	}
}

// bytesFull and filesFull report whether the mount's blocks or inodes have run out. On a small
// mount the bound is a sixteenth of it.
func (u use) bytesFull() bool {
	return u.freeBytes < min(fullBytes, (u.usedBytes+u.freeBytes)/16)
}

func (u use) filesFull() bool {
	return u.freeFiles < min(fullInodes, (u.usedFiles+u.freeFiles)/16)
}

func timeToFill(left, rate int64) time.Duration {
	if left <= 0 {
		return 0
	}
	return time.Duration(float64(left) / float64(rate) * float64(time.Second))
}
