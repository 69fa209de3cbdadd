//go:build linux

package main

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
)

// inSockets is what waits in our own sockets, by the kernel's lists of them. For TCP these have the bytes that a program
// sent, and not the memory: each message may be kept alone, with all that the kernel puts around one.
type inSockets struct {
	bytes int64 // the memory is this at least
	most  int64 // and this at most
	more  bool  // there are sockets besides that were not looked at
}

// of is the memory that our sockets hold when the machine's hold so much more than before.
func (s inSockets) of(grown int64) int64 {
	if s.more {
		return max(s.bytes, grown)
	}
	return max(s.bytes, min(s.most, grown))
}

// perMessage is the memory, bytes, of a message of one byte: 768 were measured where it waits to be read (Linux 6.18), and
// up to 1280 are counted where it waits to be sent.
const perMessage = 1300

// manySockets is how many are looked at. A build can open more, so that each look at them takes longer.
const manySockets = 16384

// buffers are the bytes that one TCP socket may hold at most, of each direction.
type buffers struct{ send, receive int64 }

// unknownBuffer is taken for what a program may ask for where the kernel does not say (net.core of Linux before 6.8).
const unknownBuffer = 32 << 20

// largestBuffers are those that the kernel sets by itself, or that a program asks for by SO_SNDBUF and SO_RCVBUF, of which
// it gives twice as much.
func largestBuffers() buffers {
	largest := func(own, asked string) int64 {
		return max(lastNumber("/proc/sys/net/ipv4/"+own, unknownBuffer), 2*lastNumber("/proc/sys/net/core/"+asked, unknownBuffer/2))
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

// ownSockets adds up what waits in the sockets of our network namespace, as far as to enough bytes. Without IPv6 two of the
// lists are missing.
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
		sent, unread = min(sent*perMessage, max(sent, b.send)), min(unread*perMessage, max(unread, b.receive))
	}
	s.most += sent + unread // of UDP the list has the memory itself
}

// queued reads one line of a list (proc_pid_net(5)): the fifth field has the bytes to send and those to be read, in hex.
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
		return 0, 0 // the line of headings; of a listener it is how many connections wait
	}
	return int64(s), int64(u)
}
