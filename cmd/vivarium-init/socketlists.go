//go:build linux

package main

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
)

// inSockets bounds the memory that our own sockets hold, by the kernel's lists of sockets. For TCP
// the lists give the bytes that a program sent, and not the memory. The kernel may keep each
// message in a buffer of its own, which is much larger than one byte.
type inSockets struct {
	bytes int64 // the least memory that they can hold
	most  int64 // the most memory that they can hold
	more  bool  // some sockets were not looked at
}

// of is the memory that counts as ours when the machine's sockets have grown by so many bytes.
func (s inSockets) of(grown int64) int64 {
	if s.more {
		return max(s.bytes, grown)
	}
	return max(s.bytes, min(s.most, grown))
}

// perMessage is the most memory, bytes, that a message of one byte takes. On Linux 6.18 an average
// of 782 was measured over both directions; one that waits to be sent takes up to 1280.
const perMessage = 1300

// manySockets is how many sockets one look takes in: 16384 took 0.3 s on a busy machine. A build
// can open more, and all that the machine holds more than before counts as its own then.
const manySockets = 4096

// buffers is the most memory, bytes, that one TCP socket may hold in each direction.
type buffers struct{ send, receive int64 }

// unknownBuffer stands for a limit that the kernel does not show. Linux before 6.8 shows a
// container none of net.core.
const unknownBuffer = 32 << 20

// largestBuffers takes the larger of two limits: what the kernel gives by itself, and what a
// program can ask for by SO_SNDBUF and SO_RCVBUF. The kernel gives twice what a program asks for.
func largestBuffers() buffers {
	largest := func(own, asked string) int64 {
		unasked := lastNumber("/proc/sys/net/ipv4/"+own, unknownBuffer)
		return max(unasked, 2*lastNumber("/proc/sys/net/core/"+asked, unknownBuffer/2))
	}
	return buffers{send: largest("tcp_wmem", "wmem_max"), receive: largest("tcp_rmem", "rmem_max")}
}

func lastNumber(file string, otherwise int64) int64 {
	text, _ := os.ReadFile(file)
	fields := bytes.Fields(text)
	if len(fields) == 0 {
		return otherwise
	}
	n, err := strconv.ParseInt(string(fields[len(fields)-1]), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}

// ownSockets adds up what waits in the sockets of our network namespace, and stops when there are
// more than enough bytes. Without IPv6 two of the lists are missing.
func ownSockets(b buffers, enough int64) (all inSockets) {
	left := manySockets
	for _, list := range []string{"tcp", "udp", "tcp6", "udp6"} {
		f, err := os.Open("/proc/net/" + list)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); left-- {
			if all.more = left == 0; all.more || all.bytes > enough {
				f.Close()
				return all
			}
			all.add(lines.Bytes(), strings.HasPrefix(list, "tcp"), b)
		}
		f.Close()
	}
	return all
}

func (s *inSockets) add(line []byte, tcp bool, b buffers) {
	sent, unread := queued(line)
	s.bytes += sent + unread
	if tcp {
		sent = min(sent*perMessage, max(sent, b.send))
		unread = min(unread*perMessage, max(unread, b.receive))
	}
	s.most += sent + unread // the lists of UDP give the memory itself
}

// queued reads one line of a list (proc_pid_net(5)). Its fifth field has the bytes to send and
// those to be read, in hexadecimal.
func queued(line []byte) (sent, unread int64) {
	fields := bytes.Fields(line)
	if len(fields) < 5 {
		return 0, 0
	}
	out, in, _ := bytes.Cut(fields[4], []byte(":"))
	s, err := strconv.ParseUint(string(out), 16, 32)
	u, err2 := strconv.ParseUint(string(in), 16, 32)
	const listening = "0A"
	if err != nil || err2 != nil || string(fields[3]) == listening {
		return 0, 0 // the headings, or a listener, whose field has the number of connections
	}
	return int64(s), int64(u)
}
