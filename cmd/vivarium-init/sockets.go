//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"
)

// socketWatch looks at the bytes that wait in the sandbox's TCP and UDP sockets. They are memory of
// the kernel that version 1 of cgroups charges to nobody. They may grow until the machine has no
// memory left for anybody's sockets (net.ipv4.tcp_mem and udp_mem, together 28 % of the memory).
type socketWatch struct {
	most int64 // bytes; zero where the cgroup counts them
	next time.Time
	over int64 // bytes that waited when the limit was exceeded; else zero
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
	atMost := slowest
	if waiting > w.most/2 {
		waiting, atMost = ownSockets(w.most), 5*slowest
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

// ownSockets adds up the bytes that wait in the sockets of our network namespace, and stops when
// there are more than enough. Without IPv6 two of the lists are missing.
func ownSockets(enough int64) (waiting int64) {
	for _, list := range []string{"tcp", "udp", "tcp6", "udp6"} {
		if waiting > enough {
			break
		}
		f, err := os.Open("/proc/net/" + list)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			waiting += queued(lines.Bytes())
		}
		f.Close()
	}
	return waiting
}

// queued reads one line of a list (proc_pid_net(5)). Its fifth field has the bytes to send and
// those to be read, in hexadecimal.
func queued(line []byte) int64 {
	fields := bytes.Fields(line)
	if len(fields) < 5 {
		return 0
	}
	out, in, _ := bytes.Cut(fields[4], []byte(":"))
	sent, err := strconv.ParseUint(string(out), 16, 32)
	unread, err2 := strconv.ParseUint(string(in), 16, 32)
	if err != nil || err2 != nil {
		return 0 // the line of headings
	}
	return int64(sent + unread)
}
