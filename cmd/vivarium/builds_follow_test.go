package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/store/buildlog"
	"vivarium/server/store/database/trouble"
)

// goingAway is a log whose database is away for some queries, between two lines.
type goingAway struct {
	asked int
	err   error
}

func (g *goingAway) Get(context.Context, int64) (pipeline.Build, error) {
	g.asked++
	switch {
	case g.asked == 1:
		return pipeline.Build{ID: 1, State: pipeline.Running}, nil
	case g.asked < 4:
		return pipeline.Build{}, g.err
	}
	return pipeline.Build{ID: 1, State: pipeline.Passed}, nil
}

func (g *goingAway) Chunks(_ context.Context, _, after int64, _ int) ([]buildlog.Chunk, error) {
	lines := []string{"before\n", "after\n"}
	if after >= 2 || g.asked == 1 && after == 1 {
		return nil, nil
	}
	return []buildlog.Chunk{{Seq: after + 1, Attempt: 1, Step: pipeline.StepTest, Stream: pipeline.Stdout,
		Data: []byte(lines[after])}}, nil
}

func (g *goingAway) source() logSource { return logSource{build: g.Get, chunks: g.Chunks} }

func TestFollowedLogComesBackWithItsDatabase(t *testing.T) {
	var out, notes strings.Builder
	p := logPrinter{out: &out, notes: &notes}
	away := &trouble.Error{Kind: trouble.ErrAway, Err: errors.New("connection refused")}
	if err := p.print(t.Context(), (&goingAway{err: away}).source(), 1, true); err != nil {
		t.Fatal(err)
	}
	if out.String() != "before\nafter\n" || strings.Count(notes.String(), trouble.ErrAway.Error()) != 1 {
		t.Errorf("printed %q, said %q; want both lines, and once that the database was away",
			out.String(), notes.String())
	}
	// The controls: another error ends the output, and without follow the outage is an error at
	// once.
	other := errors.New("another")
	if err := (&logPrinter{out: &out, notes: &notes}).
		print(t.Context(), (&goingAway{err: other}).source(), 1, true); !errors.Is(err, other) {
		t.Errorf("another error: got %v", err)
	}
	if err := (&logPrinter{out: &out, notes: &notes}).
		print(t.Context(), (&goingAway{err: away, asked: 1}).source(), 1, false); !errors.Is(err, trouble.ErrAway) {
		t.Errorf("without following: got %v", err)
	}
}
