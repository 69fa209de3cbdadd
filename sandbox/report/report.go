//go:build linux

// Package report takes what tests report of themselves: PID 1 of a sandbox reads it out of memory
// that it shares with the tests' process.
//
// A record so costs its writer a copy and no system call, and what was written survives the death
// of its process. A client connects to an abstract Unix socket, whose name it finds in the
// environment (Env), and sends one byte with the descriptor of a memfd: a ring. From then on it
// writes whole lines into the ring. With the byte S on the socket it asks for a sync: PID 1 passes
// on what output waits, then the ring, and answers with one byte. So what the client prints later
// stands after the record.
//
// All that a client does may be hostile, since the tests' own code can do it too. Nothing here can
// be made to block, to read beyond a ring, or to take memory.
package report

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Env is the variable of the environment that holds the socket's name, with an @ in place of its
// first byte, which is zero.
const Env = "VIVARIUM_REPORT"

// Bounds of what clients can do.
const (
	MaxClients = 16
	MaxLine    = 64 << 10 // bytes, with the line's end
)

// lookEvery is how often rings are looked at.
const lookEvery = 20 * time.Millisecond

// Sink takes what a Server passes on. An error of it ends the Server's work.
type Sink interface {
	// Flush passes on the output that the command has written so far.
	Flush() error
	// Record passes on whole lines of one client, MaxLine bytes at most. p is valid during the call.
	Record(p []byte) error
}

// Server takes the reports of one command. Polls, Wait, Serve and Finish are for one goroutine.
type Server struct {
	listener int
	name     string // of the socket, with @ for its first byte
	sink     Sink
	timeout  time.Duration // of one test; zero is without bound
	hung     chan int
	buf      []byte // MaxLine
	looked   time.Time

	mu      sync.Mutex
	clients []*client // changed by the one goroutine only
}

// number of the last socket.
var number atomic.Int64

// Listen opens the socket. Clients whose test takes longer than testTimeout are told of by Hung.
func Listen(sink Sink, testTimeout time.Duration) (*Server, error) {
	s := &Server{sink: sink, timeout: testTimeout, hung: make(chan int, 1), buf: make([]byte, MaxLine)}
	var err error
	s.listener, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("make the socket of reports: %w", err)
	}
	for err = unix.EADDRINUSE; err == unix.EADDRINUSE; {
		s.name = fmt.Sprintf("@vivarium-report-%d", number.Add(1))
		err = unix.Bind(s.listener, &unix.SockaddrUnix{Name: s.name})
	}
	if err == nil {
		err = unix.Listen(s.listener, MaxClients)
	}
	if err != nil {
		unix.Close(s.listener)
		return nil, fmt.Errorf("listen for reports: %w", err)
	}
	return s, nil
}

// Setting is the variable for the command's environment, as NAME=value.
func (s *Server) Setting() string { return Env + "=" + s.name }

// Hung is sent the process of the first client whose test takes too long.
func (s *Server) Hung() <-chan int { return s.hung }

// Peers are the processes that report at this moment. It may be called from any goroutine.
func (s *Server) Peers() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pids []int
	for _, c := range s.clients {
		if c.ring != nil && c.pid > 1 {
			pids = append(pids, c.pid)
		}
	}
	return pids
}

// Close closes all that is open.
func (s *Server) Close() {
	closeFiles(s.listener)
	for _, c := range s.clients {
		c.close()
	}
	s.set(nil)
}

func (s *Server) set(clients []*client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = clients
}

// Polls adds what is to be polled: the listener and a connection for each client.
func (s *Server) Polls(fds []unix.PollFd) []unix.PollFd {
	fds = append(fds, unix.PollFd{Fd: int32(s.listener), Events: unix.POLLIN})
	for _, c := range s.clients {
		fds = append(fds, unix.PollFd{Fd: int32(c.socket), Events: unix.POLLIN})
	}
	return fds
}

// Wait is how long a poll may wait; negative is without bound.
func (s *Server) Wait() time.Duration {
	if len(s.clients) == 0 {
		return -1
	}
	return max(0, lookEvery-time.Since(s.looked))
}

// Serve does what is due. polled is what Polls added, after the poll.
func (s *Server) Serve(polled []unix.PollFd) error {
	for i, c := range s.clients {
		if i+1 < len(polled) && polled[i+1].Revents != 0 {
			if err := s.listen(c); err != nil {
				return err
			}
		}
	}
	if err := s.lookAtAll(time.Now()); err != nil {
		return err
	}
	s.sweep()
	if len(polled) > 0 && polled[0].Revents != 0 {
		s.accept()
	}
	return nil
}

func (s *Server) lookAtAll(now time.Time) error {
	if now.Sub(s.looked) < lookEvery {
		return nil
	}
	s.looked = now
	for _, c := range s.clients {
		if err := s.look(c, now); err != nil {
			return err
		}
	}
	return nil
}

// Finish passes on what is left, once no process of the command is left: also of those that came
// and went between two polls.
func (s *Server) Finish() error {
	for more := true; more; {
		more = s.accept()
		for _, c := range s.clients {
			if err := s.finish(c); err != nil {
				return err
			}
		}
		s.sweep()
	}
	return nil
}

// finish takes all that a client has sent.
func (s *Server) finish(c *client) error {
	for c.silent = false; !c.silent && !c.gone; {
		if err := s.listen(c); err != nil {
			return err
		}
	}
	return s.leave(c)
}

// accept takes one connection that waits, and reports whether one did. It closes one that is too
// many.
func (s *Server) accept() bool {
	socket, _, err := unix.Accept4(s.listener, unix.SOCK_CLOEXEC)
	switch {
	case err == unix.ECONNABORTED || err == unix.EINTR:
		return true
	case err != nil:
		return false
	case len(s.clients) >= MaxClients:
		closeFiles(socket)
		return true
	}
	s.set(append(s.clients, newClient(socket, s.timeout)))
	return true
}

// sweep lets go of the clients that have gone.
func (s *Server) sweep() {
	var left []*client
	for _, c := range s.clients {
		if c.gone {
			c.close()
		} else {
			left = append(left, c)
		}
	}
	if len(left) < len(s.clients) {
		s.set(left)
	}
}
