package sandbox

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"vivarium/sandbox/wire"
)

// BaseEnv is the environment of every command; nothing is inherited from the image or
// the server. Command.Env adds to it and wins over it.
func BaseEnv() []string {
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + Home,
		"USER=vivarium",
		"LOGNAME=vivarium",
		"TMPDIR=" + Tmp,
		"LANG=C.UTF-8",
		"CI=true",
		"PYTHONUNBUFFERED=1",
		"PIP_CONFIG_FILE=/dev/null",
		"PIP_NO_INPUT=1",
		"PIP_NO_CACHE_DIR=1",
		"PIP_DISABLE_PIP_VERSION_CHECK=1",
	}
}

// killTimeout bounds the wait for PID 1 to report that a canceled command is dead.
const killTimeout = 10 * time.Second

// Run runs one command and passes its output on. Strays are killed before it returns.
// Cancelling ctx kills the command and returns the context's cause.
func (s *Sandbox) Run(ctx context.Context, c Command, out Output) (Result, error) {
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	call, err := s.call(wire.Request{Run: c.request()})
	if err != nil {
		return Result{}, s.why(ctx, "run command", err)
	}
	defer call.stream.Close()
	r := running{call: call, out: out, reports: c.Report}
	stop := context.AfterFunc(ctx, r.kill)
	defer stop()
	result, err := r.result(ctx)
	switch {
	case ctx.Err() != nil:
		s.endIfStuck(err)
		return Result{}, context.Cause(ctx)
	case r.refused != nil:
		s.endIfStuck(err)
		return Result{}, r.refused
	case err != nil:
		return Result{}, s.why(ctx, "run command", err)
	}
	if result.OOMKilled {
		s.outlivedOOM.Store(true)
	}
	return result, nil
}

// endIfStuck ends the session if a killed command did not report back: the state of the sandbox is
// not known then.
func (s *Sandbox) endIfStuck(err error) {
	var refused *GuestError
	if err != nil && !errors.As(err, &refused) {
		s.session.Close()
	}
}

func (c Command) request() *wire.Run {
	dir := c.Dir
	if dir == "" {
		dir = Workspace
	}
	return &wire.Run{
		Argv:    bytesOf(c.Argv),
		Env:     bytesOf(mergeEnv(BaseEnv(), c.Env)),
		Dir:     []byte(dir),
		Timeout: c.Timeout,

		OpenFiles: c.OpenFiles,
		Merged:    c.Merged,

		Report: c.Report, TestTimeout: c.TestTimeout,
	}
}

// mergeEnv lets a later setting of a name replace an earlier one.
func mergeEnv(base, more []string) []string {
	env := slices.Clone(base)
	for _, setting := range more {
		name, _, _ := strings.Cut(setting, "=")
		env = slices.DeleteFunc(env, func(s string) bool { return strings.HasPrefix(s, name+"=") })
		env = append(env, setting)
	}
	return env
}

func bytesOf(ss []string) [][]byte {
	bs := make([][]byte, len(ss))
	for i, s := range ss {
		bs[i] = []byte(s)
	}
	return bs
}

// running is a command being run.
type running struct {
	call    *call
	out     Output
	reports bool  // reports are asked for
	refused error // what out returned
}

// kill makes PID 1 kill the command, and bounds the wait for its report.
func (r *running) kill() {
	_ = r.call.stream.SetReadDeadline(time.Now().Add(killTimeout))
	r.call.stream.Close()
}

// result passes output on until the command has ended. Output of a command that is being killed is
// read and dropped, since the report comes after it.
func (r *running) result(ctx context.Context) (Result, error) {
	for {
		kind, p, err := r.call.in.Next()
		if err != nil {
			return Result{}, noEOF(err)
		}
		switch kind {
		case wire.KindStdout:
			r.pass(ctx, Stdout, p)
		case wire.KindStderr:
			r.pass(ctx, Stderr, p)
		case wire.KindReport:
			if !r.reports {
				return Result{}, errProtocol
			}
			r.pass(ctx, Report, p)
		case wire.KindHeader:
			return decodeResult(p)
		default:
			return Result{}, errProtocol
		}
	}
}

func (r *running) pass(ctx context.Context, stream Stream, p []byte) {
	if ctx.Err() != nil || r.refused != nil {
		return
	}
	if r.refused = r.out(stream, p); r.refused != nil {
		r.kill()
	}
}

func decodeResult(p []byte) (Result, error) {
	var reply wire.Reply
	if err := wire.Decode(p, &reply); err != nil {
		return Result{}, err
	}
	if reply.Error != "" {
		return Result{}, guestError(reply)
	}
	w := reply.Result
	if w == nil || !plausible(w) {
		return Result{}, errProtocol
	}
	return Result{
		ExitCode:   w.ExitCode,
		Signal:     w.Signal,
		TimedOut:   w.TimedOut,
		TestHung:   w.TestHung,
		Wall:       w.Wall,
		CPU:        w.CPU,
		PeakMemory: w.PeakMemory,
		OOMKilled:  w.OOMKilled,
		PidsStruck: w.PidsStruck,
		DiskFull:   w.DiskFull,
		InodesFull: w.InodesFull,
		DiskPeak:   w.DiskPeak,
		Strays:     w.Strays,
		Sockets:    w.Sockets,
	}, nil
}

// plausible reports whether PID 1 can have reported this. The report is shown to people.
func plausible(w *wire.Result) bool {
	return w.ExitCode >= 0 && w.ExitCode <= 255 &&
		w.Wall >= 0 && w.CPU >= 0 && w.PeakMemory >= 0 && w.DiskPeak >= 0 && w.Strays >= 0 && w.Sockets >= 0 &&
		(w.DiskFull == "" && !w.InodesFull || slices.Contains(mounts,
			w.DiskFull) || w.DiskFull == Terminals) && isSignalName(w.Signal)
}

func isSignalName(s string) bool {
	return len(s) <= 16 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+") == ""
}
