package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"vivarium/cmd/vivarium/console"
	"vivarium/pipeline"
	"vivarium/pipeline/termtext"
	"vivarium/server/store"
	"vivarium/server/store/buildlog"
	"vivarium/server/store/database/trouble"
)

const (
	logBatch = 1 << 20
	// followInterval is how often the log of a build in another process is read again.
	followInterval = 200 * time.Millisecond
)

func newBuildsLog(a *app) *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use:     "log ID",
		Short:   "Print a build's log",
		Example: "  vivarium builds log -f 12",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withBuild(cmd.Context(), args[0], func(s *store.Store, id int64) error {
				p := logPrinter{out: a.stdout, notes: a.stderr, colour: console.TerminalOf(a.stdout, a.environ).Colour}
				return p.print(cmd.Context(), logSource{build: s.Builds.Get, chunks: s.Logs.Chunks}, id, follow)
			})
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the build has ended")
	return cmd
}

// logPrinter prints stored chunks. Secrets were masked before the chunks were stored; what a
// terminal must not get is removed here.
type logPrinter struct {
	out    io.Writer
	notes  io.Writer // messages that are not part of the log
	colour bool

	away    bool // the user was told that the database is away
	after   int64
	at      place
	filters map[pipeline.Stream]*termtext.Filter
}

// logSource is what of the store a log is read from.
type logSource struct {
	build  func(ctx context.Context, id int64) (pipeline.Build, error)
	chunks func(ctx context.Context, build, after int64, maxBytes int) ([]buildlog.Chunk, error)
}

// place is where in the build a chunk belongs.
type place struct {
	attempt int
	step    pipeline.StepName
}

// print prints the chunks that exist. With follow it goes on until the build has ended, even when
// the server or its database restarts.
func (p *logPrinter) print(ctx context.Context, s logSource, id int64, follow bool) error {
	for {
		ended, err := p.once(ctx, s, id)
		if err := p.waitedFor(err, follow); err != nil {
			return err
		}
		if ended || !follow {
			return p.flush()
		}
		select {
		case <-ctx.Done():
			return p.flush()
		case <-time.After(followInterval):
		}
	}
}

// once prints the chunks that exist now. It reads the state before the chunks: once a build has
// ended, all its chunks are stored.
func (p *logPrinter) once(ctx context.Context, s logSource, id int64) (ended bool, err error) {
	b, err := s.build(ctx, id)
	if err != nil {
		return false, fmt.Errorf("cannot read build %d: %w", id, err)
	}
	return b.State.Ended(), p.rest(ctx, s, id)
}

// waitedFor says once that the database is away, and returns every other error.
func (p *logPrinter) waitedFor(err error, follow bool) error {
	away, ok := errors.AsType[*trouble.Error](err)
	if !ok || !follow {
		p.away = false
		return err
	}
	if !p.away {
		p.away = true
		fmt.Fprintf(p.notes, "vivarium: %v; trying again until it is back\n", away)
	}
	return nil
}

// rest prints the chunks that were not printed yet.
func (p *logPrinter) rest(ctx context.Context, s logSource, id int64) error {
	for {
		chunks, err := s.chunks(ctx, id, p.after, logBatch)
		if err != nil {
			return fmt.Errorf("cannot read the log of build %d: %w", id, err)
		}
		if len(chunks) == 0 {
			return nil
		}
		for _, c := range chunks {
			if err := p.chunk(c); err != nil {
				return err
			}
		}
	}
}

func (p *logPrinter) chunk(c buildlog.Chunk) error {
	if at := (place{c.Attempt, c.Step}); at != p.at {
		if err := p.flush(); err != nil {
			return err
		}
		p.at = at
	}
	p.after = c.Seq
	if p.filters == nil {
		p.filters = map[pipeline.Stream]*termtext.Filter{}
	}
	if p.filters[c.Stream] == nil {
		p.filters[c.Stream] = &termtext.Filter{Colour: p.colour}
	}
	_, err := p.out.Write(p.filters[c.Stream].Write(c.Text()))
	return err
}

// flush ends the output of a step.
func (p *logPrinter) flush() error {
	var rest []byte
	for _, stream := range []pipeline.Stream{pipeline.Stdout, pipeline.Stderr, pipeline.System} {
		if f := p.filters[stream]; f != nil {
			rest = slices.Concat(rest, f.Flush())
		}
	}
	_, err := p.out.Write(rest)
	return err
}
