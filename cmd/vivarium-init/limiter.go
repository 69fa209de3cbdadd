//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// limiterName is what vivarium-init is called as, in argv[0], when it is to lower the limit
// of open files of its own process and then become the command.
//
// The limit has to be there before the command's first instruction: lowered from outside a
// moment later, it would not bind what the command has forked by then. PID 1 cannot lower
// its own for the time of a start either, since a hard limit cannot be raised again.
const limiterName = "vivarium-init: limiter"

// throughLimiter is the command line that runs argv with at most n open files.
func throughLimiter(n int64, path string, argv []string) (string, []string) {
	return os.Args[0], append([]string{limiterName, strconv.FormatInt(n, 10), path}, argv...)
}

// limitAndExec becomes the command. It returns an exit code only when it cannot.
func limitAndExec(args []string) int {
	n, err := strconv.ParseUint(args[0], 10, 63)
	if err == nil {
		// The system call itself: Go's own wrapper may restore what it has raised at the start.
		err = unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: n}, nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "vivarium-init: cannot lower the limit of open files:", err)
		return exitNotExecutable
	}
	err = unix.Exec(args[1], args[2:], os.Environ())
	fmt.Fprintln(os.Stderr, "vivarium-init:", &fs.PathError{Op: "exec", Path: args[1], Err: err})
	if errors.Is(err, syscall.ENOENT) {
		return exitNotFound
	}
	return exitNotExecutable
}
