// Package stdio reads a container's stdio from the connection that the engine gives to those who
// attach to it.
package stdio

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/docker/docker/pkg/stdcopy"
)

// Conn is a container's stdio as one connection: writes go to its stdin, reads come from its stdout.
// Its stderr is set aside.
//
// Without a terminal the engine sends both outputs in frames: a byte for the stream, three bytes of
// nothing, the length as a big-endian uint32, the payload.
type Conn struct {
	net.Conn
	r      *bufio.Reader
	stderr *Tail
	left   int // of the current stdout frame
}

// buffer holds what the engine sends in one piece: twice the 32 KiB that it copies at a time.
const buffer = 64 << 10

// NewConn makes a Conn from a connection and the reader for what comes over it.
func NewConn(conn net.Conn, r io.Reader, stderr *Tail) *Conn {
	return &Conn{Conn: conn, r: bufio.NewReaderSize(r, buffer), stderr: stderr}
}

func (c *Conn) Read(p []byte) (int, error) {
	for c.left == 0 {
		if err := c.nextFrame(); err != nil {
			return 0, err
		}
	}
	n, err := c.r.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (c *Conn) nextFrame() error {
	var head [8]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(head[4:])
	switch stdcopy.StdType(head[0]) {
	case stdcopy.Stdout:
		c.left = int(size)
		return nil
	case stdcopy.Stderr:
		_, err := io.CopyN(c.stderr, c.r, int64(size))
		return err
	case stdcopy.Systemerr:
		words, err := io.ReadAll(io.LimitReader(c.r, min(int64(size), tailSize)))
		return errors.Join(fmt.Errorf("the engine ended the connection: %q", words), err)
	}
	return fmt.Errorf("unknown output stream %d", head[0])
}

// tailSize bounds what is kept of PID 1's last words.
const tailSize = 4 << 10

// Tail keeps the last bytes that were written to it.
type Tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.buf), "\uFFFD"))
}
