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

// limiterName is vivarium-init's argv[0] when it is to lower the limit of open files of its own
// process and then become the command.
//
// The limit must hold before the command's first instruction: if it were lowered from outside a
// moment later, processes that the command has forked by then would not have it. PID 1 cannot lower
// its own limit for the time of a start either, since a hard limit cannot be raised again.
const limiterName = "vivarium-init: limiter"

// throughLimiter gives the program and the arguments that run argv with at most n open files.
func throughLimiter(n int64, path string, argv []string) (string, []string) {
	return os.Args[0], append([]string{limiterName, strconv.FormatInt(n, 10), path}, argv...)
}

// limitAndExec lowers the limit and becomes the command. It returns only when it cannot, with an
// exit code.
func limitAndExec(args []string) int {
	n, err := strconv.ParseUint(args[0], 10, 63)
	if err == nil {
		// unix.Prlimit also keeps Exec from restoring the limit that Go's runtime has raised at the
		// start.
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
