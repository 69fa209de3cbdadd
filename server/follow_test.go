package server

import (
	"context"
	"slices"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/store/buildlog"
	"vivarium/server/store/builds"
)

// told notes what a reader is told.
type told []string

func (r *told) add(what string) error { *r = append(*r, what); return nil }

func (r *told) chunks([]buildlog.Chunk) error { return r.add("chunks") }
func (r *told) build(pipeline.Build) error    { return r.add("build") }
func (r *told) omitted(int64) error           { return r.add("omitted") }
func (r *told) beat() error                   { return r.add("beat") }
func (r *told) stopping() error               { return r.add("stopping") }

func TestFollowerIsToldWhatEachReasonAsksFor(t *testing.T) {
	s := newSite(t)
	id := s.push("o/n", false)
	ctx := context.WithValue(t.Context(), viewerKey{}, viewer{sight: builds.Sight{All: true}})
	for name, c := range map[string]struct {
		why     reason
		state   pipeline.State // as last read
		omitted int64          // as last told
		want    told
		over    bool
	}{
		"something was committed": {why: committed, want: told{"build"}},
		"a look while queued":     {why: lookDue, state: pipeline.Queued, want: told{"build"}},
		"a look, nothing new":     {why: lookDue, state: pipeline.Running},
		"a look, another count":   {why: lookDue, state: pipeline.Running, omitted: 7, want: told{"omitted"}},
		"a beat":                  {why: beatDue, want: told{"beat"}},
		"the reader has left":     {why: readerLeft, over: true},
		"the server stops":        {why: serverStops, want: told{"stopping"}, over: true},
	} {
		t.Run(name, func(t *testing.T) {
			var r told
			f := &follower{server: s.Server, build: id, reader: &r, state: c.state, omitted: c.omitted}
			over, err := f.step(ctx, c.why)
			if err != nil || over != c.over || !slices.Equal(r, c.want) {
				t.Errorf("told %q, over %v, %v; want %q, over %v", r, over, err, c.want, c.over)
			}
		})
	}
}

func TestFollowerStopsWhereItsBuildHasEnded(t *testing.T) {
	s := newSite(t)
	id := s.push("o/n", false)
	ctx := context.WithValue(t.Context(), viewerKey{}, viewer{sight: builds.Sight{All: true}})
	var r told
	f := &follower{server: s.Server, build: id, reader: &r}
	if over, err := f.step(ctx, committed); over || err != nil {
		t.Fatalf("control: while it is queued: over %v, %v", over, err)
	}
	if err := s.store.Queue.Cancel(t.Context(), byTest, id); err != nil {
		t.Fatal(err)
	}
	if over, err := f.step(ctx, committed); !over || err != nil || f.state != pipeline.Canceled {
		t.Errorf("over %v, %v, state %s", over, err, f.state)
	}
	f = &follower{server: s.Server, build: id, reader: &r}
	if over, err := f.step(t.Context(), committed); err == nil {
		t.Errorf("one who may not see the build is told of it: over %v, %q", over, r)
	}
}
