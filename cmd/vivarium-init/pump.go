//go:build linux

package main

import (
	"time"

	"golang.org/x/sys/unix"

	"vivarium/sandbox/report"
	"vivarium/sandbox/wire"
)

// pump passes a command's output, and what its tests report, on to the host. A slow host slows the
// command down.
//
// One goroutine reads all of it. When both streams wait, it reads the one that spoke last first: so
// a line that a program writes in pieces is not cut by what it writes later on the other stream. Two
// pipes cannot give a better order; merged streams are one pipe.
type pump struct {
	out     *wire.Writer
	open    []source       // the one that spoke last first
	reports *report.Server // nil where none are taken
	ended   int            // hangs up once no process of the command is left; polled where reports are taken
	buf     []byte
	done    bool
}

// source is the reading end of one stream.
type source struct {
	fd   int
	kind wire.Kind
}

func newPump(out *wire.Writer, open []source) *pump {
	return &pump{out: out, open: open, buf: wire.Buffer()}
}

// run returns at the end of all output and, where reports are taken, of all processes: these may
// have closed their output long before. An error means that the session is over, and with it the
// container.
func (p *pump) run() error {
	for !p.done {
		fds := p.polls()
		if _, err := unix.Poll(fds, p.wait()); err != nil {
			continue // interrupted: the next poll tells
		}
		if err := p.serve(fds); err != nil {
			return err
		}
	}
	return nil
}

// polls are the sources, then, where reports are taken, the end of all processes and the clients.
func (p *pump) polls() []unix.PollFd {
	fds := make([]unix.PollFd, 0, len(p.open)+2+report.MaxClients)
	for _, s := range p.open {
		fds = append(fds, unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN})
	}
	if p.reports != nil {
		fds = p.reports.Polls(append(fds, unix.PollFd{Fd: int32(p.ended)}))
	}
	return fds
}

// wait is how long a poll may wait, in milliseconds.
func (p *pump) wait() int {
	if p.reports == nil || p.reports.Wait() < 0 {
		return -1
	}
	return int((p.reports.Wait() + time.Millisecond - 1) / time.Millisecond)
}

func (p *pump) serve(fds []unix.PollFd) error {
	sources, rest := fds[:len(p.open)], fds[len(p.open):]
	if err := p.read(sources); err != nil {
		return err
	}
	switch {
	case p.reports == nil:
		p.done = len(p.open) == 0
		return nil
	case len(p.open) == 0 && rest[0].Revents != 0:
		p.done = true
		return p.reports.Finish()
	}
	return p.reports.Serve(rest[1:])
}

// read reads once from each source that is ready.
func (p *pump) read(polled []unix.PollFd) error {
	var spoke, silent []source
	for i, s := range p.open {
		if polled[i].Revents == 0 {
			silent = append(silent, s)
			continue
		}
		n, err := p.pass(s, wire.MaxData)
		switch {
		case err != nil:
			return err
		case n > 0:
			spoke = append([]source{s}, spoke...)
		}
	}
	p.open = append(spoke, silent...)
	return nil
}

// pass reads once, most bytes at most, and passes that on. It says how many bytes there were: none
// when the last writer is gone.
func (p *pump) pass(s source, most int) (int, error) {
	for {
		n, err := unix.Read(s.fd, p.buf[wire.HeadSize:wire.HeadSize+most])
		switch {
		case err == unix.EINTR:
			continue
		case n <= 0:
			return 0, nil
		}
		return n, p.out.Data(s.kind, p.buf[:wire.HeadSize+n])
	}
}

// Flush implements report.Sink: it passes on what waits at this moment, and not what comes meanwhile.
func (p *pump) Flush() error {
	for _, s := range p.open {
		waits, err := unix.IoctlGetInt(s.fd, unix.TIOCINQ)
		for err == nil && waits > 0 {
			var n int
			if n, err = p.pass(s, min(waits, wire.MaxData)); err != nil {
				return err
			}
			if n == 0 {
				break
			}
			waits -= n
		}
	}
	return nil
}

// Record implements report.Sink.
func (p *pump) Record(lines []byte) error {
	return p.out.Data(wire.KindReport, append(p.buf[:wire.HeadSize], lines...))
}
