package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// catchSignals leaves no signal to its default action: Go's runtime exits on nine of them, and any
// process of the same user may send them.
func catchSignals(procs *processes) error {
	caught := make(chan os.Signal, 64)
	signal.Notify(caught)
	go func() {
		for s := range caught {
			if s == unix.SIGCHLD {
				procs.reap()
			}
		}
	}()
	return setUncaught(ignore)
}

// uncaught are the signals for which Go's runtime takes no handler
// (runtime/sigtab_linux_generic.go). Their default action ends the process. The kernel spares PID 1
// that, but not always: while PID 1's first thread handles another signal, it blocks this one, and
// so the kernel does not drop it. Then another thread takes it, and all of PID 1 ends
// (kernel/signal.c, sig_ignored and complete_signal; seen on Linux 6.1, 6.12 and 6.18 under a rapid
// run of signals).
var uncaught = []syscall.Signal{32, 34}

// sigaction is the kernel's own: handler, flags, restorer and mask.
type sigaction [4]uintptr

var (
	ignore     = sigaction{1}
	takeEffect = sigaction{0} // the default action
)

// setUncaught sets the action of these signals. A child that runs another program inherits an
// ignored signal as ignored.
func setUncaught(a sigaction) error {
	const maskBytes = 8 // 64 signals
	for _, s := range uncaught {
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&a)), 0, maskBytes,
			0, 0)
		if errno != 0 {
			return fmt.Errorf("set the action of signal %d: %w", int(s), errno)
		}
	}
	return nil
}
