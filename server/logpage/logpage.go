// Package logpage takes a part of a build's log for its page: line by line, and no more than a page
// can hold.
package logpage

import (
	"context"
	"fmt"

	"vivarium/sandbox/quantity"
	"vivarium/server/logtext"
	"vivarium/server/store/buildlog"
	"vivarium/server/web"
)

// Logs are where logs are read; a buildlog.Logs is one.
type Logs interface {
	Chunks(ctx context.Context, build, after int64, maxBytes int) ([]buildlog.Chunk, error)
	BeforeLine(ctx context.Context, build, line int64) (after int64, err error)
}

const (
	// most is how many bytes of a page its log takes, with what stands around the text.
	most = 48 << 10
	// before is how many lines stand before the one that was asked for, if they take no more than
	// this part of the page.
	before      = 20
	mostBefore  = most / 4
	readAtATime = 128 << 10
)

// Gap is the line that stands where output was left out of the log.
func Gap(bytes int64) string {
	return fmt.Sprintf("[%s of output left out here: VIVARIUM_LOG_LIMIT]", quantity.Bytes(bytes))
}

// Head puts the beginning of a log on the page of its build: whole chunks, after which a script can go
// on, and for readers without one what still fits of the next.
func Head(ctx context.Context, logs Logs, p *web.Build) error {
	r := reader{text: logtext.New(true)}
	for {
		chunks, err := logs.Chunks(ctx, p.ID, p.After, readAtATime)
		if err != nil {
			return fmt.Errorf("read the log of build %d: %w", p.ID, err)
		}
		if len(chunks) == 0 {
			p.Log = sections(r.parts)
			return nil
		}
		for _, c := range chunks {
			whole := len(r.parts)
			if !r.add(c) {
				p.Log, p.Rest, p.Cut = sections(r.parts[:whole]), sections(r.parts[whole:]), true
				return nil
			}
			p.After = c.Seq
		}
	}
}

// Around puts the lines around one of a log on the page of its build. It is database.ErrNotFound where
// the log has no such line.
func Around(ctx context.Context, logs Logs, p *web.Build, line int64) error {
	if _, err := logs.BeforeLine(ctx, p.ID, line); err != nil {
		return err
	}
	after, err := logs.BeforeLine(ctx, p.ID, max(line-before, 1))
	if err != nil {
		return err
	}
	r := reader{text: logtext.New(true), from: line - before, line: line}
	for {
		chunks, err := logs.Chunks(ctx, p.ID, after, readAtATime)
		if err != nil {
			return fmt.Errorf("read the log of build %d: %w", p.ID, err)
		}
		for _, c := range chunks {
			if !r.add(c) {
				chunks = nil
				break
			}
			after = c.Seq
		}
		if len(chunks) == 0 {
			p.Log, p.Line = sections(r.parts), line
			return nil
		}
	}
}
