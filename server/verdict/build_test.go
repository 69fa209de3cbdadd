package verdict

import (
	"testing"

	"vivarium/pipeline"
)

func TestVerdictOfACommit(t *testing.T) {
	for name, c := range map[string]struct {
		states []pipeline.State // of the push, then of the reruns
		want   int64
	}{
		"the push alone":        {[]pipeline.State{pipeline.Passed}, 1},
		"a rerun counts":        {[]pipeline.State{pipeline.Errored, pipeline.Passed}, 2},
		"also when it is worse": {[]pipeline.State{pipeline.Passed, pipeline.Failed}, 2},
		"the newest of several": {
			[]pipeline.State{pipeline.Failed, pipeline.Passed, pipeline.Failed},
			3,
		},
		"one under way does not yet":            {[]pipeline.State{pipeline.Failed, pipeline.Running}, 1},
		"a canceled one says nothing":           {[]pipeline.State{pipeline.Failed, pipeline.Canceled}, 1},
		"nothing but canceled":                  {[]pipeline.State{pipeline.Canceled, pipeline.Canceled}, 2},
		"under way is more than canceled":       {[]pipeline.State{pipeline.Canceled, pipeline.Queued}, 2},
		"and stays so":                          {[]pipeline.State{pipeline.Running, pipeline.Canceled}, 1},
		"an errored one after a passed one too": {[]pipeline.State{pipeline.Passed, pipeline.Errored}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var builds []pipeline.Build
			for i, s := range c.states {
				builds = append(builds, pipeline.Build{ID: int64(i + 1), State: s})
			}
			if b := Of(builds); b.ID != c.want {
				t.Errorf("judged by build %d, want %d", b.ID, c.want)
			}
		})
	}
}

func TestWhatACommitStandsAt(t *testing.T) {
	for name, c := range map[string]struct {
		states []pipeline.State
		want   int64
	}{
		"one under way counts": {
			[]pipeline.State{pipeline.Errored, pipeline.Running, pipeline.Canceled},
			2,
		},
		"else what judges it":              {[]pipeline.State{pipeline.Failed, pipeline.Canceled}, 1},
		"the newest of those that errored": {[]pipeline.State{pipeline.Passed, pipeline.Errored}, 2},
	} {
		var builds []pipeline.Build
		for i, s := range c.states {
			builds = append(builds, pipeline.Build{ID: int64(i + 1), State: s})
		}
		if b := Standing(builds); b.ID != c.want {
			t.Errorf("%s: it stands at build %d, want %d", name, b.ID, c.want)
		}
	}
}

// TestNoBuildsHaveNoVerdict: a purge may remove them between two reads.
func TestNoBuildsHaveNoVerdict(t *testing.T) {
	if a, b := Of(nil), Standing(nil); a.ID != 0 || b.ID != 0 {
		t.Errorf("got builds %d and %d, want none", a.ID, b.ID)
	}
}
