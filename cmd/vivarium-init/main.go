//go:build linux

// Command vivarium-init is PID 1 of every sandbox. It holds the inner end of the
// session over its stdin and stdout, runs one command at a time, kills what a command
// leaves behind, and ends the container when the session ends or the deadline passes.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"vivarium/sandbox/wire"
)

// threads is how many threads are made at the start and kept. In a container at its pids limit the
// kernel refuses a new thread, and Go's runtime then ends the process. There are more threads than
// system calls that may block at one time: see maxOps.
const threads = 16

func main() {
	if len(os.Args) > 3 && os.Args[0] == limiterName {
		os.Exit(limitAndExec(os.Args[1:]))
	}
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "vivarium-init: runs as PID 1 of a Vivarium sandbox only; see `vivarium run --help`")
		os.Exit(2)
	}
	code, err := serve()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vivarium-init:", err)
	}
	os.Exit(code)
}

func serve() (int, error) {
	// The order matters: once the process is not dumpable, its own files in /proc belong to root.
	oom, err := os.OpenFile("/proc/self/oom_score_adj", os.O_RDWR, 0)
	if err != nil {
		return 1, fmt.Errorf("open own OOM score: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return 1, fmt.Errorf("make PID 1 non-dumpable: %w", err)
	}
	unix.Umask(0o022)
	if err := nameUser(imageUsers, users, os.Getuid(), os.Getgid()); err != nil {
		return 1, err
	}
	runtime.GOMAXPROCS(2)
	makeThreads(threads)
	procs := newProcesses(oom)
	if err := catchSignals(procs); err != nil {
		return 1, err
	}
	session, err := wire.Guest(stdio{os.Stdin, os.Stdout})
	if err != nil {
		return 1, fmt.Errorf("open session: %w", err)
	}
	return newGuest(session, procs).serve(), nil
}

func makeThreads(n int) {
	var made sync.WaitGroup
	made.Add(n)
	release := make(chan struct{})
	for range n {
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			made.Done()
			<-release
		}()
	}
	made.Wait()
	close(release)
}

// stdio is the container's stdin and stdout as one connection.
type stdio struct {
	io.Reader
	io.Writer
}

// Close does nothing: the process ends with its session.
func (stdio) Close() error { return nil }
