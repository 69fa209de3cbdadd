package verdict

import (
	"testing"

	"vivarium/pipeline"
)

func TestANewerPushEndsWhatTheOperatorSaid(t *testing.T) {
	for _, c := range []struct {
		mode  Supersede
		state pipeline.State
		want  bool
	}{
		{SupersedeNone, pipeline.Queued, false},
		{SupersedeNone, pipeline.Running, false},
		{SupersedeWaiting, pipeline.Queued, true},
		{SupersedeWaiting, pipeline.Running, false},
		{SupersedeRunning, pipeline.Queued, true},
		{SupersedeRunning, pipeline.Running, true},
		{SupersedeRunning, pipeline.Passed, false},
		{SupersedeRunning, pipeline.Canceled, false},
	} {
		if got := c.mode.Ends(c.state); got != c.want {
			t.Errorf("%q ends a build that is %s: %t, want %t", c.mode, c.state, got, c.want)
		}
	}
}

func TestTheDefaultBranchIsNeverSuperseded(t *testing.T) {
	for _, c := range []struct {
		ref    pipeline.Ref
		branch string
		want   bool
	}{
		{"refs/heads/topic", "main", true}, // the control
		{"refs/heads/main", "main", false},
		{"refs/heads/topic", "", false}, // it may be the default branch
		{"refs/tags/v1", "main", false},
	} {
		if got := MaySupersede(c.ref, pipeline.Repository{DefaultBranch: c.branch}); got != c.want {
			t.Errorf("%s, default branch %q: %t, want %t", c.ref, c.branch, got, c.want)
		}
	}
}

func TestTheLastPushOfThoseThatAreBuilt(t *testing.T) {
	at := func(id, second int64, before, sha string) Dated {
		return Dated{Push: Push{ID: id, BeforeSHA: before, SHA: sha}, PushedAt: second}
	}
	skipped := func(d Dated) Dated { d.Unbuilt = true; return d }
	for name, c := range map[string]struct {
		pushes []Dated
		want   int64 // 0: none
	}{
		"none":                {nil, 0},
		"in order":            {[]Dated{at(1, 10, "", "a"), at(2, 20, "a", "b")}, 2},
		"the older came last": {[]Dated{at(1, 20, "a", "b"), at(2, 10, "", "a")}, 1},
		"in one second":       {[]Dated{at(1, 10, "a", "b"), at(2, 10, "", "a")}, 1},
		"the last is skipped": {[]Dated{at(1, 10, "", "a"), skipped(at(2, 20, "a", "b"))}, 1},
		"all are skipped":     {[]Dated{skipped(at(1, 10, "", "a"))}, 0},
		"two skipped at its end": {
			[]Dated{at(1, 10, "", "a"), skipped(at(2, 10, "a", "b")), skipped(at(3, 10, "b", "c"))}, 1,
		},
		"one between is skipped, and the oldest came last": {
			[]Dated{at(1, 10, "b", "c"), skipped(at(2, 10, "a", "b")), at(3, 10, "", "a")}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Last(c.pushes)
			if got.ID != c.want || ok != (c.want != 0) {
				t.Errorf("push %d, %t; want %d", got.ID, ok, c.want)
			}
		})
	}
}
