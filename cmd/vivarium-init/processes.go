//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processes starts, reaps and kills every process of the container but PID 1.
type processes struct {
	oom *os.File // own oom_score_adj

	mu     sync.Mutex
	main   int                  // the running command's first process; 0 for none
	exited chan unix.WaitStatus // the status of that process
	maxRSS int64                // bytes, of the largest process reaped since start
}

func newProcesses(oom *os.File) *processes { return &processes{oom: oom} }

// start starts a command's first process in a session of its own. The lock is held until the
// process is known, so that it cannot be reaped as a stray.
func (p *processes) start(path string, argv []string, attr *syscall.ProcAttr) (<-chan unix.WaitStatus, int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.maxRSS = 0
	pid, err := p.fork(path, argv, attr)
	if err != nil {
		return nil, 0, err
	}
	p.main, p.exited = pid, make(chan unix.WaitStatus, 1)
	return p.exited, pid, nil
}

// commandOOMScore makes the kernel's OOM killer take a command's processes first.
const commandOOMScore = "1000"

// fork starts the process with the OOM score already set, so that no child of it can be without.
// The score is inherited: PID 1 gives it to itself for the time of the start, while no other
// process runs. In the same way PID 1 does not ignore signals for that time, since a command must
// find their default action.
func (p *processes) fork(path string, argv []string, attr *syscall.ProcAttr) (int, error) {
	own := make([]byte, 16)
	n, err := p.oom.ReadAt(own, 0)
	if n == 0 {
		return 0, fmt.Errorf("read own OOM score: %w", err)
	}
	if _, err := p.oom.WriteAt([]byte(commandOOMScore), 0); err != nil {
		return 0, fmt.Errorf("set OOM score: %w", err)
	}
	if err := setUncaught(takeEffect); err != nil {
		return 0, err
	}
	pid, err := syscall.ForkExec(path, argv, attr)
	if restoreErr := setUncaught(ignore); restoreErr != nil {
		return 0, restoreErr
	}
	if _, restoreErr := p.oom.WriteAt(own[:n], 0); restoreErr != nil {
		return 0, fmt.Errorf("restore own OOM score: %w", restoreErr)
	}
	return pid, err
}

// reap collects every process that has ended.
func (p *processes) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if _, err := p.wait(unix.WNOHANG); err != nil {
			return
		}
	}
}

var errNone = errors.New("no process to reap")

// wait reaps one process and reports whether it is a stray that was killed. The lock is held.
func (p *processes) wait(options int) (killedStray bool, err error) {
	var status unix.WaitStatus
	var usage unix.Rusage
	pid, err := unix.Wait4(-1, &status, options, &usage)
	switch {
	case err == unix.EINTR:
		return false, nil
	case err != nil:
		return false, err
	case pid == 0:
		return false, errNone
	}
	p.maxRSS = max(p.maxRSS, usage.Maxrss<<10)
	if pid == p.main {
		p.main = 0
		p.exited <- status
		return false, nil
	}
	return status.Signaled() && status.Signal() == unix.SIGKILL, nil
}

// killAll kills every process but PID 1, waits until none is left, and reports how many strays it
// killed. kill(-1) reaches all processes at one moment, and a fork that it interrupts does not
// happen, so nothing can run away from the loop.
func (p *processes) killAll() (strays int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if err := unix.Kill(-1, unix.SIGKILL); err == unix.ESRCH {
			return strays
		}
		killed, err := p.wait(0)
		if err == unix.ECHILD {
			// Not our child: a process that the engine itself put into the container.
			time.Sleep(time.Millisecond)
		}
		if killed {
			strays++
		}
	}
}

// terminate asks the command to end. The reporters, which run tests, are aborted instead: Python
// then prints where each of its threads is (faulthandler).
func (p *processes) terminate(reporters []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.main == 0 {
		return
	}
	if len(reporters) == 0 {
		_ = unix.Kill(-p.main, unix.SIGTERM) // it may have just ended
		return
	}
	// A reporter must not get SIGTERM too: it would end before it has printed anything.
	for _, pid := range pids() {
		group, err := unix.Getpgid(pid)
		switch {
		case slices.Contains(reporters, pid):
			_ = unix.Kill(pid, unix.SIGABRT)
		case err == nil && group == p.main:
			_ = unix.Kill(pid, unix.SIGTERM)
		}
	}
}

// abort ends one process in a way that lets Python print where each of its threads is. The kernel
// may have given the number to another process of the command by now, which is to end as well.
func (p *processes) abort(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.main != 0 && pid > 1 {
		_ = unix.Kill(pid, unix.SIGABRT)
	}
}

// pids are the processes of the container but PID 1.
func pids() (found []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid > 1 {
			found = append(found, pid)
		}
	}
	return found
}

// largest is the resident size of the largest process reaped since start.
func (p *processes) largest() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.maxRSS
}

// cpuTime is the CPU time of every process reaped so far.
func cpuTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
