//go:build linux

package main

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"vivarium/sandbox/wire"
)

// pipes carry a command's output.
type pipes struct {
	stdout, stderr pipe // the same one where the streams are merged
	merged         bool
	drained        sync.WaitGroup
}

// pipe has its reading end as a bare descriptor, since pump polls it.
type pipe struct {
	read  int
	write *os.File
}

func newPipes(merged bool) (*pipes, error) {
	stdout, err := newPipe()
	if err != nil {
		return nil, err
	}
	if merged {
		return &pipes{stdout: stdout, stderr: stdout, merged: true}, nil
	}
	stderr, err := newPipe()
	if err != nil {
		stdout.close()
		return nil, err
	}
	return &pipes{stdout: stdout, stderr: stderr}, nil
}

func newPipe() (pipe, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return pipe{}, fmt.Errorf("make pipe: %w", err)
	}
	return pipe{fds[0], os.NewFile(uintptr(fds[1]), "pipe")}, nil
}

// pump passes output on as it comes. A slow host slows the command down.
//
// One goroutine reads both streams. When both wait, it reads the one that spoke last first: so a
// line that a program writes in pieces is not cut by what it writes later on the other stream. Two
// pipes cannot give a better order.
func (p *pipes) pump(out *wire.Writer) {
	p.drained.Go(func() {
		buf := wire.Buffer()
		open := p.sources()
		for len(open) > 0 {
			var spoke []source
			open, spoke = wait(open)
			for _, s := range spoke {
				n, err := unix.Read(s.fd, buf[wire.HeadSize:])
				switch {
				case err == unix.EINTR:
					open = append(open, s)
				case n <= 0: // its last writer is gone
				case out.Data(s.kind, buf[:wire.HeadSize+n]) != nil:
					return // the session is over, and with it the container
				default:
					open = append([]source{s}, open...)
				}
			}
		}
	})
}

// source is the reading end of one stream.
type source struct {
	fd   int
	kind wire.Kind
}

func (p *pipes) sources() []source {
	if p.merged {
		return []source{{p.stdout.read, wire.KindStdout}}
	}
	return []source{{p.stdout.read, wire.KindStdout}, {p.stderr.read, wire.KindStderr}}
}

// wait waits until there is something to read, and tells the silent streams from those that are
// ready.
func wait(open []source) (silent, ready []source) {
	fds := make([]unix.PollFd, len(open))
	for i, s := range open {
		fds[i] = unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN}
	}
	if _, err := unix.Poll(fds, -1); err != nil {
		return open, nil // interrupted: the next poll tells
	}
	for i, s := range open {
		if fds[i].Revents != 0 {
			ready = append(ready, s)
		} else {
			silent = append(silent, s)
		}
	}
	return silent, ready
}

func (p *pipes) closeWriters() {
	p.stdout.write.Close()
	if !p.merged {
		p.stderr.write.Close()
	}
}

func (p *pipes) close() {
	p.stdout.close()
	if !p.merged {
		p.stderr.close()
	}
}

func (p *pipe) close() {
	unix.Close(p.read)
	p.write.Close()
}
