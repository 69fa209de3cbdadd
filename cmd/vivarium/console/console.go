// Package console shows a build to the person who runs it: its output as it comes, then what it came
// to.
package console

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/mask"
	"vivarium/pipeline/termtext"
	"vivarium/sandbox/quantity"
)

// progressInterval is how often the progress line is drawn.
const progressInterval = time.Second

// Console shows a build in a terminal while it runs (pipeline.Recorder). Secrets are masked; only
// text and colours of the output reach the terminal.
type Console struct {
	term    Terminal
	secrets []string

	mu       sync.Mutex
	out      io.Writer
	streams  map[pipeline.Stream]*shownStream // of the running step
	step     pipeline.Step                    // empty name: no step runs
	midLine  bool                             // the last byte written was not a newline
	progress bool                             // the progress line is on the screen
	failing  failing
}

// shownStream is one stream of a step on its way to the terminal.
type shownStream struct {
	mask   *mask.Masker
	filter termtext.Filter
}

// New shows builds on out. What is in secrets is masked.
func New(out io.Writer, t Terminal, secrets []string) *Console {
	return &Console{term: t, secrets: secrets, out: out}
}

// Run draws the progress line until ctx ends.
func (c *Console) Run(ctx context.Context) {
	if !c.term.Interactive {
		return
	}
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			c.drawProgress(now)
		}
	}
}

func (c *Console) drawProgress(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.step.Name == "" || c.midLine {
		return
	}
	line := fmt.Sprintf("… %s %s", c.step.Name, quantity.Duration(now.Sub(c.step.StartedAt).Round(time.Second)))
	fmt.Fprintf(c.out, "\r\x1b[K%s", c.term.Dye(Dim, line))
	c.progress = true
}

func (c *Console) StepStarted(_ context.Context, step pipeline.Step) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step = step
	c.streams = map[pipeline.Stream]*shownStream{}
	return c.line(c.term.Dye(Bold, "── "+string(step.Name)))
}

func (c *Console) Output(_ context.Context, _ pipeline.StepName, stream pipeline.Stream, p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.streams[stream]
	if s == nil {
		s = &shownStream{mask: mask.New(c.secrets), filter: termtext.Filter{Colour: c.term.Colour}}
		if c.streams == nil {
			c.streams = map[pipeline.Stream]*shownStream{}
		}
		c.streams[stream] = s
	}
	p = s.filter.Write(s.mask.Write(p))
	if stream == pipeline.System {
		p = c.dimmed(p)
	}
	return c.write(p)
}

// dimmed sets our own lines apart from the output of the build's programs.
func (c *Console) dimmed(p []byte) []byte {
	text, ended := strings.CutSuffix(string(p), "\n")
	text = c.term.Dye(Dim, text)
	if ended {
		text += "\n"
	}
	return []byte(text)
}

func (c *Console) StepEnded(_ context.Context, step pipeline.Step) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, stream := range []pipeline.Stream{pipeline.Stdout, pipeline.Stderr, pipeline.System} {
		s := c.streams[stream]
		if s == nil {
			continue
		}
		rest := append(s.filter.Write(s.mask.Flush()), s.filter.Flush()...)
		if err := c.write(rest); err != nil {
			return err
		}
	}
	c.step, c.streams = pipeline.Step{}, nil
	return nil
}

// write shows text; the caller holds mu.
func (c *Console) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if err := c.clearProgress(); err != nil {
		return err
	}
	c.midLine = !strings.HasSuffix(strings.TrimSuffix(string(p[max(0, len(p)-8):]), termtext.Reset), "\n")
	_, err := c.out.Write(p)
	return err
}

// line shows a line of our own, on a fresh line; the caller holds mu.
func (c *Console) line(s string) error {
	if c.midLine {
		s = "\n" + s
	}
	return c.write([]byte(s + "\n"))
}

func (c *Console) clearProgress() error {
	if !c.progress {
		return nil
	}
	c.progress = false
	_, err := io.WriteString(c.out, "\r\x1b[K")
	return err
}

// Say shows a line of our own.
func (c *Console) Say(s string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.line(s)
}
