//go:build linux

package report

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestHostileClientsLoseTheirConnection: whatever a client does, the Server does not wait for it, and
// an innocent client beside it is answered and loses nothing.
func TestHostileClientsLoseTheirConnection(t *testing.T) {
	sound := func(t *testing.T, s *Server) *peer { return connect(t, s) }
	for name, attack := range map[string]func(t *testing.T, s *Server) *peer{
		"control": sound, // nothing is done: it is answered below
		"cut short": func(t *testing.T, s *Server) *peer {
			p := sound(t, s)
			p.write("one\n")
			check(t, unix.Ftruncate(p.memory, 8))
			return p
		},
		"cut short behind its figures": func(t *testing.T, s *Server) *peer {
			p := sound(t, s)
			p.write("one\n")
			check(t, unix.Ftruncate(p.memory, dataAt))
			return p
		},
		"a head that goes back": func(t *testing.T, s *Server) *peer {
			p := sound(t, s)
			p.write("one\n")
			p.synced(s)
			put(t, p.memory, headAt, 1)
			return p
		},
		"a head that jumps": func(t *testing.T, s *Server) *peer {
			p := sound(t, s)
			put(t, p.memory, headAt, 1<<40)
			return p
		},
		"a line without an end": func(t *testing.T, s *Server) *peer {
			p := sound(t, s)
			p.write(strings.Repeat("x", MaxLine))
			return p
		},
		"a ring that may not be written to": func(t *testing.T, s *Server) *peer {
			p := sound(t, s)
			p.write("one\n")
			_, err := unix.FcntlInt(uintptr(p.memory), unix.F_ADD_SEALS, unix.F_SEAL_WRITE)
			check(t, err)
			return p
		},
		"no ring": func(t *testing.T, s *Server) *peer { p := dial(t, s); p.ask(); return p },
		"two rings at once": func(t *testing.T, s *Server) *peer {
			p := dial(t, s)
			p.memory = memory(t, minCapacity, dataAt+minCapacity)
			p.send(p.memory, p.memory)
			return p
		},
		"a second ring": func(t *testing.T, s *Server) *peer {
			p := sound(t, s)
			p.send(p.memory)
			return p
		},
		"all that a message can hold": func(t *testing.T, s *Server) *peer {
			p := dial(t, s)
			p.memory = memory(t, minCapacity, dataAt+minCapacity)
			var files []int
			for range mostFiles {
				files = append(files, p.memory)
			}
			p.send(files...)
			return p
		},
		"an unknown word": func(t *testing.T, s *Server) *peer {
			p := sound(t, s)
			_, err := unix.Write(p.socket, []byte("X"))
			check(t, err)
			return p
		},
		"a capacity of zero":            ofCapacity(0),
		"a capacity that is no power":   ofCapacity(minCapacity + 8),
		"a capacity that is too small":  ofCapacity(minCapacity / 2),
		"a capacity that is too large":  ofCapacity(maxCapacity * 2),
		"a capacity beyond all figures": ofCapacity(1 << 63),
		"a pipe that nobody writes to": func(t *testing.T, s *Server) *peer {
			var fds [2]int
			check(t, unix.Pipe2(fds[:], unix.O_CLOEXEC))
			t.Cleanup(func() { unix.Close(fds[1]) })
			return sends(t, s, fds[0])
		},
		"a FIFO": func(t *testing.T, s *Server) *peer {
			name := filepath.Join(t.TempDir(), "fifo")
			check(t, unix.Mkfifo(name, 0o600))
			return sends(t, s, opened(t, name, unix.O_RDWR))
		},
		"a file on disk or a device": func(t *testing.T, s *Server) *peer {
			return sends(t, s, opened(t, os.DevNull, unix.O_RDWR))
		},
		"an empty memory": func(t *testing.T, s *Server) *peer {
			fd, err := unix.MemfdCreate("report", unix.MFD_CLOEXEC)
			check(t, err)
			return sends(t, s, fd)
		},
		"a connection that lingers": func(t *testing.T, s *Server) *peer {
			p, lingers := sound(t, s), lingering(t)
			p.send(lingers)
			unix.Close(lingers)
			return p
		},
		"a connection that lingers, for a ring": func(t *testing.T, s *Server) *peer { return sends(t, s, lingering(t)) },
		"a connection that lingers, in a socket": func(t *testing.T, s *Server) *peer {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			check(t, err)
			lingers := lingering(t)
			check(t, unix.Sendmsg(pair[0], []byte("x"), unix.UnixRights(lingers), nil, 0))
			unix.Close(lingers)
			unix.Close(pair[0])
			return sends(t, s, pair[1])
		},
		"answers that are never read": neverReads,
	} {
		t.Run(name, func(t *testing.T) {
			l := &log{}
			s := listen(t, l, 0)
			innocent := connect(t, s)
			innocent.write("innocent\n")
			if got := innocent.synced(s); got != "s" {
				t.Fatalf("control: %q", got)
			}
			hostile := attack(t, s)
			if name == "control" {
				if got := hostile.synced(s); got != "s" {
					t.Errorf("a client that does nothing bad was answered %q", got)
				}
				return
			}
			began := time.Now()
			until(t, s, "the connection's end", func() bool { return ended(hostile) })
			innocent.write("as well\n")
			if got := innocent.synced(s); got != "s" || !strings.HasSuffix(l.records.String(), "as well\n") ||
				time.Since(began) > 5*time.Second {
				t.Errorf("%q after %s, records %.200q", got, time.Since(began), l.records.String())
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ended asks the kernel whether the other end is closed, and reads nothing.
func ended(p *peer) bool {
	fds := []unix.PollFd{{Fd: int32(p.socket)}}
	_, err := unix.Poll(fds, 0)
	return err == nil && fds[0].Revents&unix.POLLHUP != 0
}

func sends(t *testing.T, s *Server, file int) *peer {
	p := dial(t, s)
	p.send(file)
	check(t, unix.Close(file))
	return p
}

func opened(t *testing.T, name string, flags int) int {
	t.Helper()
	fd, err := unix.Open(name, flags|unix.O_CLOEXEC, 0)
	check(t, err)
	return fd
}

func ofCapacity(capacity uint64) func(*testing.T, *Server) *peer {
	return func(t *testing.T, s *Server) *peer {
		return sends(t, s, memory(t, capacity, dataAt+2*maxCapacity))
	}
}

// neverReads asks until there is no room for more answers.
func neverReads(t *testing.T, s *Server) *peer {
	p := connect(t, s)
	for !ended(p) {
		for range 50 {
			_ = unix.Sendto(p.socket, []byte{syncs}, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, nil) // it may be full
		}
		serve(t, s)
	}
	return p
}

// lingering is the last descriptor of a connection whose peer reads nothing, and whose close waits
// an hour for it.
func lingering(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { ln.Close() })
	conn, err := net.Dial("tcp4", ln.Addr().String())
	check(t, err)
	file, err := conn.(*net.TCPConn).File()
	check(t, err)
	conn.Close()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	check(t, err)
	file.Close()
	check(t, unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 3600}))
	for {
		if _, err := unix.SendmsgN(fd, make([]byte, 64<<10), nil, nil, unix.MSG_DONTWAIT); err != nil {
			return fd
		}
	}
}
