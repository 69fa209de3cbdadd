//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vivarium/sandbox/wire"
)

// killGrace is the time between SIGTERM and SIGKILL for a command whose time is up.
const killGrace = 2 * time.Second

// A shell's exit codes for a command that could not be started.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
)

var errBusy = errors.New("another command is running")

// run runs one command until it and everything that it started have ended.
func (g *guest) run(op *operation, req *wire.Run, hello *wire.Hello) (wire.Reply, error) {
	if !g.command.TryLock() {
		return wire.Reply{}, errBusy
	}
	defer g.command.Unlock() // before the result is sent: the host may ask for the next command at once
	g.leaving.Add(1)
	op.sent = g.leaving.Done
	ctx, cancel := op.canceled()
	defer cancel()

	g.procs.killAll()
	outlet, err := newOutlet(req, op.out)
	if err != nil {
		return wire.Reply{}, err
	}
	defer outlet.close()
	before, cpu := readCounters(), cpuTime()
	watch := newWatch(hello)
	began := time.Now()
	exited, err := g.start(req, outlet)
	if err != nil {
		return notStarted(op, req, err)
	}
	outlet.begin()
	watching := watch.start()

	result := wire.Result{}
	status := g.await(ctx, awaited{exited, req.Timeout, watch, outlet}, &result)
	result.Wall = time.Since(began)
	result.Strays = g.procs.killAll()
	removeShared()
	watching.stop()
	outlet.end()

	setStatus(&result, status)
	result.CPU = cpuTime() - cpu
	result.PeakMemory = max(watch.peakAnon, g.procs.largest())
	result.DiskPeak, result.DiskFull, result.InodesFull = watch.peakBytes, watch.full, watch.inodesFull
	result.Sockets = watch.sockets.over
	after := readCounters()
	result.OOMKilled = after.oomKills > before.oomKills || watch.outOfMemory
	result.PidsStruck = after.pidsRefused > before.pidsRefused || watch.pidsStruck
	return wire.Reply{Result: &result}, nil
}

// start finds the program on the command's own PATH and starts it.
func (g *guest) start(req *wire.Run, outlet *outlet) (<-chan unix.WaitStatus, error) {
	argv, env := texts(req.Argv), append(texts(req.Env), outlet.env()...)
	if len(argv) == 0 {
		return nil, errors.New("empty command")
	}
	dir := string(req.Dir)
	if info, err := os.Stat(dir); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, &os.PathError{Op: "chdir", Path: dir, Err: syscall.ENOTDIR}
	}
	path, err := lookPath(argv[0], dir, env)
	if err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	if req.OpenFiles > 0 {
		path, argv = throughLimiter(req.OpenFiles, path, argv)
	}
	exited, _, err := g.procs.start(path, argv, &syscall.ProcAttr{
		Dir:   dir,
		Env:   env,
		Files: []uintptr{null.Fd(), outlet.stdout.write.Fd(), outlet.stderr.write.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	outlet.closeWriters()
	if err != nil {
		return nil, &os.PathError{Op: "exec", Path: path, Err: err}
	}
	return exited, nil
}

// notStarted gives the result that a shell gives for a program that is missing or cannot be
// executed, since that is the repository's doing. Anything else is an error.
func notStarted(op *operation, req *wire.Run, err error) (wire.Reply, error) {
	code := exitNotExecutable
	switch {
	case errors.Is(err, os.ErrNotExist):
		code = exitNotFound
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENOEXEC),
		errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.E2BIG),
		// The file's interpreter is no program, or is cut short (execve(2)).
		errors.Is(err, syscall.ELIBBAD), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.EIO):
	default:
		return wire.Reply{}, fmt.Errorf("start command: %w", err)
	}
	kind := wire.KindStderr
	if req.Merged {
		kind = wire.KindStdout
	}
	buf := append(make([]byte, wire.HeadSize), "vivarium-init: "+err.Error()+"\n"...)
	if err := op.out.Data(kind, buf); err != nil {
		return wire.Reply{}, err
	}
	return wire.Reply{Result: &wire.Result{ExitCode: code}}, nil
}

// awaited is a command that runs.
type awaited struct {
	exited  <-chan unix.WaitStatus
	timeout time.Duration // zero is without bound
	watch   *watch
	outlet  *outlet
}

// await waits until the command's first process has ended, by itself or by force.
func (g *guest) await(ctx context.Context, c awaited, result *wire.Result) unix.WaitStatus {
	var timedOut, tooLate <-chan time.Time
	if c.timeout > 0 {
		timer := time.NewTimer(c.timeout)
		defer timer.Stop()
		timedOut = timer.C
	}
	deadline, canceled, overDisk, hung := g.deadline.passed, ctx.Done(), c.watch.exceeded, c.outlet.hung()
	grace := func() {
		timer := time.NewTimer(killGrace)
		tooLate, timedOut, deadline, hung = timer.C, nil, nil, nil
	}
	end := func() {
		result.TimedOut = true
		g.procs.terminate(c.outlet.reporters())
		grace()
	}
	for {
		select {
		case status := <-c.exited:
			return status
		case <-timedOut:
			end()
		case <-deadline:
			end()
		case pid := <-hung:
			result.TestHung = true
			g.procs.abort(pid)
			grace()
		case <-tooLate:
			g.procs.killAll()
		case <-canceled:
			canceled = nil
			g.procs.killAll()
		case <-overDisk:
			overDisk = nil
			g.procs.killAll()
		}
	}
}

func setStatus(r *wire.Result, status unix.WaitStatus) {
	if status.Signaled() {
		r.Signal = unix.SignalName(status.Signal())
		return
	}
	r.ExitCode = status.ExitStatus()
}

// lookPath finds the program on the PATH of the command's own environment.
func lookPath(name, dir string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	var path string
	for _, v := range env {
		if after, ok := strings.CutPrefix(v, "PATH="); ok {
			path = after
		}
	}
	for _, d := range filepath.SplitList(path) {
		if !filepath.IsAbs(d) {
			continue // a program is never taken from the working directory by its bare name
		}
		candidate := filepath.Join(d, name)
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return candidate, nil
		}
	}
	return "", &os.PathError{Op: "look for program", Path: name, Err: os.ErrNotExist}
}

func texts(bs [][]byte) []string {
	ss := make([]string, len(bs))
	for i, b := range bs {
		ss[i] = string(b)
	}
	return ss
}
