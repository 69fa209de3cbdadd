package wire

import (
	"encoding/binary"
	"io"
)

// The head of a yamux frame: version, type, flags (2), stream (4), length (4).
const (
	muxHeadSize = 12
	muxData     = 0 // the type of a frame that has a payload
)

// joined writes a yamux frame's head and payload in one write. yamux writes one after the other,
// and each write through a container's stdio wakes three processes. Only the session's one sending
// goroutine writes.
type joined struct {
	io.ReadWriteCloser
	buf []byte // a head whose payload is the next write
}

func (j *joined) Write(p []byte) (int, error) {
	if len(j.buf) == 0 && len(p) == muxHeadSize && p[1] == muxData && binary.BigEndian.Uint32(p[8:]) > 0 {
		j.buf = append(j.buf, p...)
		return len(p), nil
	}
	if len(j.buf) == 0 {
		return j.ReadWriteCloser.Write(p)
	}
	j.buf = append(j.buf, p...)
	_, err := j.ReadWriteCloser.Write(j.buf)
	j.buf = j.buf[:0]
	if err != nil {
		return 0, err
	}
	return len(p), nil
}
