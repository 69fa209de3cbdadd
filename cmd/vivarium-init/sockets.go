//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"time"
)

// socketWatch looks at the bytes that wait in the sandbox's TCP and UDP sockets. They are memory of
// the kernel that version 1 of cgroups charges to nobody. They may grow until the machine has no
// memory left for anybody's sockets (net.ipv4.tcp_mem and udp_mem, together 28 % of the memory).
type socketWatch struct {
	most    int64 // bytes; zero where the cgroup counts them
	buffers buffers
	lowest  int64 // the least bytes that the machine's sockets held since the command's start
	next    time.Time
	over    int64 // bytes that waited when the limit was exceeded; else zero
}

// newSocketWatch is made before its command starts. What the machine's sockets hold by then is not
// the command's.
func newSocketWatch(most int64) socketWatch {
	w := socketWatch{most: most, lowest: math.MaxInt64}
	if most == 0 {
		return w
	}
	w.buffers = largestBuffers()
	if held, err := machineSockets(); err == nil {
		w.lowest = held
	}
	return w
}

// socketRate is how fast sockets can be filled, bytes per second: twice what was measured on
// loopback.
const socketRate = 2 << 30

// look says when to look again, and whether more bytes wait than may. The sum over the machine
// costs little to read and is not much less than our own, since Linux keeps a part of it per CPU.
// Only when that sum is large are our own sockets read. This takes milliseconds, since the kernel
// goes through all of the machine's sockets, so it is done less often the fewer bytes wait.
func (w *socketWatch) look(now time.Time) (next time.Duration, exceeded bool) {
	if w.most == 0 {
		return slowest, false
	}
	if now.Before(w.next) {
		return w.next.Sub(now), false
	}
	waiting, err := machineSockets()
	if err != nil {
		return slowest, false
	}
	w.lowest = min(w.lowest, waiting)
	atMost := slowest
	if waiting > w.most/2 {
		waiting, atMost = ownSockets(w.buffers, w.most).of(waiting-w.lowest), 5*slowest
	}
	if exceeded = waiting > w.most; exceeded {
		w.over = waiting
	}
	next = min(atMost, timeToFill(w.most-waiting, socketRate))
	next = max(next, quickest, 2*time.Since(now))
	w.next = now.Add(next)
	return next, exceeded
}

// sockstat is what Linux says of the machine's sockets. gVisor's kernel does not have it, and
// counts all that its sockets hold as memory.
const sockstat = "/proc/net/sockstat"

// checkSockets returns an error that says why sockets cannot be watched.
func checkSockets() error {
	if _, err := machineSockets(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look at what waits in sockets: %w", err)
	}
	return nil
}

func machineSockets() (bytes int64, err error) {
	text, err := os.ReadFile(sockstat)
	if err != nil {
		return 0, err
	}
	pages, ok := socketPages(text)
	if !ok {
		return 0, fmt.Errorf("%s says nothing of TCP", sockstat)
	}
	return pages * int64(os.Getpagesize()), nil
}

// socketPages adds up the "mem" of the lines of TCP and UDP. On a line, names and values alternate.
func socketPages(text []byte) (pages int64, ok bool) {
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) == 0 || string(fields[0]) != "TCP:" && string(fields[0]) != "UDP:" {
			continue
		}
		for i := 1; i+1 < len(fields); i += 2 {
			if n, err := strconv.ParseInt(string(fields[i+1]), 10, 64); err == nil && string(fields[i]) == "mem" {
				pages, ok = pages+n, true
			}
		}
	}
	return pages, ok
}
