//go:build linux

package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"vivarium/sandbox/wire"
)

// pipes carry a command's output.
type pipes struct {
	stdout, stderr pipe // the same one where the streams are merged
	merged         bool
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

func (p *pipes) sources() []source {
	if p.merged {
		return []source{{p.stdout.read, wire.KindStdout}}
	}
	return []source{{p.stdout.read, wire.KindStdout}, {p.stderr.read, wire.KindStderr}}
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
