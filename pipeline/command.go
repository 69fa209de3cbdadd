package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"vivarium/pipeline/pace"
	"vivarium/pipeline/shell"
	"vivarium/pipeline/termtext"
	"vivarium/sandbox"
)

// command is one program to run.
type command struct {
	sandbox.Command
	name string // short, for a summary
	echo string // for the log; empty: the command line
	tap  func(stream sandbox.Stream, p []byte)
	// report takes pieces of the report of tests, in order with the output; nil where none is asked
	// for.
	report func(ctx context.Context, p []byte) error
	// again says that the command only tries again what the step has done, within its own Timeout:
	// the log does not show it, and the step's end is another command's.
	again bool
}

// run runs a command until it ends or the build's time is up. Its error is the limit on output, or
// something that the command did not cause.
func (a *attempt) run(ctx context.Context, c command) (sandbox.Result, error) {
	if err := a.echo(ctx, c); err != nil {
		return sandbox.Result{}, err
	}
	if a.limits.OpenFiles < a.req.Settings.Limits.OpenFiles {
		c.OpenFiles = a.limits.OpenFiles
	}
	if left := time.Until(a.deadline); !c.again || c.Timeout > left {
		c.Timeout = left
	}
	if c.Timeout <= 0 {
		return sandbox.Result{}, errTimeout
	}
	// PID 1 ends the command in time. Under gVisor the command can stop PID 1; then only the server
	// can end it.
	bounded, cancel := a.bound(ctx)
	defer cancel()
	c.Env = slices.Concat(a.req.Variables, c.Env)
	r, err := a.sandbox.Run(bounded, c.Command, func(stream sandbox.Stream, p []byte) error {
		return a.take(ctx, c, stream, p)
	})
	if err != nil {
		return sandbox.Result{}, &inCommand{err, c.name}
	}
	if c.again {
		a.step.CPU += r.CPU
		return r, nil
	}
	a.count(r)
	if r.Strays > 0 {
		a.notes.Add(strays(r.Strays, c.name))
	}
	return r, a.sayNotes(ctx)
}

func (a *attempt) echo(ctx context.Context, c command) error {
	if c.again {
		return nil
	}
	if c.echo == "" {
		c.echo = termtext.Line(shell.Line(c.Argv))
	}
	return a.say(ctx, "$ "+c.echo)
}

// take takes a piece of what comes out of a command.
func (a *attempt) take(ctx context.Context, c command, stream sandbox.Stream, p []byte) error {
	switch {
	case stream == sandbox.Report:
		return a.reported(ctx, c, p)
	case c.again:
		return a.keepPace(ctx, p)
	}
	if c.tap != nil {
		c.tap(stream, p)
	}
	return a.output(ctx, stream, p)
}

// strays says what a command left running. No step may meet another step's processes.
func strays(n int, name string) string {
	if n == 1 {
		return fmt.Sprintf("1 process that `%s` left behind was ended", name)
	}
	return fmt.Sprintf("%d processes that `%s` left behind were ended", n, name)
}

// reported passes on a piece of the report of tests. It counts as output does: a program may write
// to it without an end.
func (a *attempt) reported(ctx context.Context, c command, p []byte) error {
	a.written += int64(len(p))
	if a.written > a.limits.LogLimit {
		return errLogLimit
	}
	if err := c.report(ctx, p); err != nil {
		return err
	}
	return a.keepPace(ctx, p)
}

// keepPace waits as long as a piece of output must, for its rate to be no higher than the limit.
func (a *attempt) keepPace(ctx context.Context, p []byte) error {
	return pace.Sleep(ctx, a.pace.Delay(time.Now(), int64(len(p)), a.limits.LogRate))
}

// output passes on a piece of output and applies the limit on output.
func (a *attempt) output(ctx context.Context, stream sandbox.Stream, p []byte) error {
	if err := a.sayNotes(ctx); err != nil {
		return err
	}
	room := a.limits.LogLimit - a.written
	over := int64(len(p)) > room
	if over {
		p = p[:room]
	}
	a.written += int64(len(p))
	to := Stdout
	if stream == sandbox.Stderr {
		to = Stderr
	}
	if err := a.rec.Output(ctx, a.step.Name, to, p); err != nil {
		return recorderError{err}
	}
	if over {
		return errLogLimit
	}
	return a.keepPace(ctx, p)
}

// count adds a result's figures to the step's figures.
func (a *attempt) count(r sandbox.Result) {
	a.step.CPU += r.CPU
	a.step.PeakMemory = max(a.step.PeakMemory, r.PeakMemory)
	a.step.Signal, a.step.ExitCode = r.Signal, nil
	if r.Signal == "" {
		a.step.ExitCode = &r.ExitCode
	}
}

// say writes a line of our own into the step's log.
func (a *attempt) say(ctx context.Context, line string) error {
	if err := a.rec.Output(ctx, a.step.Name, System, []byte(line+"\n")); err != nil {
		return recorderError{err}
	}
	return nil
}

func (a *attempt) sayNotes(ctx context.Context) error {
	for _, line := range a.notes.Drain() {
		if err := a.say(ctx, line); err != nil {
			return err
		}
	}
	return nil
}
