//go:build linux

package report

import (
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// kickEvery is how long a close may wait.
const kickEvery = 10 * time.Millisecond

// closeFiles closes descriptors; negative ones are none.
//
// A client can send descriptors, or have them wait in its connection. Where a TCP connection is
// among them, however deep in sockets that wait in sockets, the last close waits for as long as
// SO_LINGER says: hours. A signal to the thread ends that wait. Go's runtime takes SIGURG for its
// own and does nothing about it.
func closeFiles(files ...int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	process, thread := unix.Getpid(), unix.Gettid()
	closed := make(chan struct{})
	var kicks sync.WaitGroup
	kicks.Go(func() {
		ticks := time.NewTicker(kickEvery)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				_ = unix.Tgkill(process, thread, unix.SIGURG) // no error is possible: the thread waits for this goroutine
			case <-closed:
				return
			}
		}
	})
	for _, fd := range files {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	close(closed)
	kicks.Wait()
}
