//go:build linux

package report

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// client is one process that reports.
type client struct {
	socket int
	pid    int   // as the kernel says, or see greet; it may have ended
	ring   *ring // nil until it was sent
	clock  clock
	seen   uint64 // the ring's head at the last look
	silent bool   // nothing waited on the socket when it was last read
	gone   bool
}

func newClient(socket int, testTimeout time.Duration) *client {
	c := &client{socket: socket, clock: clock{limit: testTimeout}}
	if peer, err := unix.GetsockoptUcred(socket, unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
		c.pid = int(peer.Pid)
	}
	return c
}

func (c *client) close() {
	closeFiles(c.socket)
	c.ring.close()
}

// What a client asks for, and the answer.
const (
	syncs    = 'S'
	answered = 's'
)

// errHostile says that a client does what no client of ours does.
var errHostile = errors.New("no report")

// listen takes the next byte that a client sends. Its own error is the sink's: a client that does
// what it must not only loses its connection.
func (s *Server) listen(c *client) error {
	word, file, err := c.receive()
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		c.silent = err == unix.EAGAIN
		return nil
	case err != nil: // it has ended, or is hostile
		return s.leave(c)
	case c.ring == nil:
		s.greet(c, file)
		return nil
	case file >= 0 || word != syncs:
		closeFiles(file)
		c.gone = true
		return nil
	}
	if err := s.drain(c); err != nil || c.gone {
		return err
	}
	// A client that never reads its answers loses its connection, since this must not block.
	c.gone = unix.Sendto(c.socket, []byte{answered}, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil) != nil
	return nil
}

// greet takes a client's ring. gVisor's kernel knows no peers: it names PID 1, which asks. There
// the client's own word must do, by which it can only have a process of its own command aborted.
func (s *Server) greet(c *client, file int) {
	ring, err := openRing(file)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.ring, c.gone = ring, err != nil
	if c.pid <= 1 && ring != nil {
		c.pid = ring.process
	}
}

// mostFiles is how many descriptors one message can hold (SCM_MAX_FD). There must be room for all:
// those without room are closed by the kernel, and that can block (see closeFiles).
const mostFiles = 253

// receive reads one byte and the one descriptor that may come with it; else file is negative.
func (c *client) receive() (word byte, file int, err error) {
	p, control := make([]byte, 1), make([]byte, unix.CmsgSpace(4*mostFiles))
	n, used, _, _, err := unix.Recvmsg(c.socket, p, control, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return 0, -1, err
	}
	files := filesOf(control[:used])
	if n == 0 || len(files) > 1 {
		closeFiles(files...)
		return 0, -1, errHostile
	}
	if len(files) == 0 {
		return p[0], -1, nil
	}
	return p[0], files[0], nil
}

func filesOf(control []byte) (files []int) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		if got, err := unix.ParseUnixRights(&m); err == nil {
			files = append(files, got...)
		}
	}
	return files
}

// look takes what stood in a client's ring at the last look. A head that a processor with weakly
// ordered stores shows before the data behind it has long got its data by then.
func (s *Server) look(c *client, now time.Time) error {
	if c.ring == nil || c.gone {
		return nil
	}
	head, running, err := c.ring.look()
	if err != nil {
		c.gone = true
		return nil
	}
	due := c.seen
	c.seen = head
	if c.clock.tick(now, head, running) {
		select {
		case s.hung <- c.pid:
		default: // one is enough to end the command
		}
	}
	return s.pass(c, due)
}

// drain passes on all that a client has written. Its call of the kernel has ordered its stores.
func (s *Server) drain(c *client) error {
	if c.ring == nil || c.gone {
		return nil
	}
	head, _, err := c.ring.look()
	if err != nil {
		c.gone = true
		return nil
	}
	c.seen = head
	if err := s.sink.Flush(); err != nil {
		return err
	}
	return s.pass(c, head)
}

// leave takes the last of a client's ring.
func (s *Server) leave(c *client) error {
	err := s.drain(c)
	c.gone = true
	return err
}

// pass passes on a client's lines up to head, after the output that was written before them.
func (s *Server) pass(c *client, head uint64) error {
	if c.ring.tail == head {
		return nil
	}
	if err := s.sink.Flush(); err != nil {
		return err
	}
	for !c.gone {
		lines, err := c.ring.lines(head, s.buf)
		if err != nil {
			c.gone = true
			return nil
		}
		if len(lines) == 0 {
			break
		}
		if err := s.sink.Record(lines); err != nil {
			return err
		}
	}
	c.gone = c.gone || c.ring.took() != nil
	return nil
}
