package sandbox

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

// attachConn is a container's stdio as one connection: what is written goes to its
// stdin, what is read is its stdout. Its stderr is set aside.
//
// Without a terminal the engine sends both outputs in frames: a byte for the stream,
// three of nothing, the length as a big-endian uint32, the payload.
type attachConn struct {
	net.Conn
	r      *bufio.Reader
	stderr *tail
	left   int // of the current stdout frame
}

func (c *attachConn) Read(p []byte) (int, error) {
	for c.left == 0 {
		if err := c.nextFrame(); err != nil {
			return 0, err
		}
	}
	n, err := c.r.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (c *attachConn) nextFrame() error {
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

// tail keeps the last bytes that were written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.buf), "\uFFFD"))
}
