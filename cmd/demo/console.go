package main

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// console prints whole lines from several goroutines: what the demo does, the log as it comes, and
// what GitHub is told meanwhile.
type console struct {
	begun time.Time

	mu   sync.Mutex
	out  io.Writer
	rest []byte // the last line of the log, while it has not ended yet
}

func newConsole(out io.Writer) *console { return &console{begun: time.Now(), out: out} }

// phase announces what begins now.
func (c *console) phase(format string, args ...any) {
	c.line("\n==> "+format, args...)
}

// say adds a line to the phase.
func (c *console) say(format string, args ...any) {
	c.line("    "+format, args...)
}

// event prints what came in from outside, with the time since the demo began.
func (c *console) event(format string, args ...any) {
	c.line("[%6.3fs] %s", time.Since(c.begun).Seconds(), fmt.Sprintf(format, args...))
}

func (c *console) line(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(c.out, format+"\n", args...)
}

// Write prints the build's log, set apart from our own lines.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rest = append(c.rest, p...)
	for {
		line, rest, ended := bytes.Cut(c.rest, []byte("\n"))
		if !ended {
			return len(p), nil
		}
		c.logLine(line)
		c.rest = rest
	}
}

// flush prints what is left of the log.
func (c *console) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.rest) > 0 {
		c.logLine(c.rest)
		c.rest = nil
	}
}

// logLine prints one line of the log. c.mu is held.
func (c *console) logLine(line []byte) {
	fmt.Fprintf(c.out, "    | %s\n", bytes.TrimRight(line, "\r"))
}
