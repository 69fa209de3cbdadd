package heads

import (
	"slices"
	"testing"

	"vivarium/pipeline"
)

const (
	main  = pipeline.Ref("refs/heads/main")
	topic = pipeline.Ref("refs/heads/topic")
	old   = pipeline.Ref("refs/heads/old")
)

func TestWhatHasMovedSinceTheLastLook(t *testing.T) {
	for name, c := range map[string]struct {
		known map[pipeline.Ref]string
		now   []Head
		moved []Move
		gone  []pipeline.Ref
	}{
		"nothing": {map[pipeline.Ref]string{main: "a"}, []Head{{main, "a"}}, nil, nil},
		"a push":  {map[pipeline.Ref]string{main: "a"}, []Head{{main, "b"}}, []Move{{Head{main, "b"}, "a"}}, nil},
		"a new branch": {
			map[pipeline.Ref]string{main: "a"},
			[]Head{{topic, "a"}, {main, "a"}},
			[]Move{{Head{topic, "a"}, ""}},
			nil,
		},
		"a branch went": {
			map[pipeline.Ref]string{main: "a", topic: "b"},
			[]Head{{main, "a"}},
			nil,
			[]pipeline.Ref{topic},
		},
		"the first branch":  {nil, []Head{{main, "a"}}, []Move{{Head{main, "a"}, ""}}, nil},
		"all branches went": {map[pipeline.Ref]string{main: "a", topic: "b"}, nil, nil, []pipeline.Ref{main, topic}},
		"a renamed branch": {
			map[pipeline.Ref]string{topic: "a"},
			[]Head{{main, "a"}},
			[]Move{{Head{main, "a"}, ""}},
			[]pipeline.Ref{topic},
		},
		"in the order of names": {
			nil,
			[]Head{{topic, "b"}, {main, "a"}},
			[]Move{{Head{main, "a"}, ""}, {Head{topic, "b"}, ""}},
			nil,
		},
	} {
		moved, gone := Compare(c.known, c.now)
		if !slices.Equal(moved, c.moved) || !slices.Equal(gone, c.gone) {
			t.Errorf("%s: moved %v, gone %v; want %v and %v", name, moved, gone, c.moved, c.gone)
		}
	}
}

func TestOfANewRepositoryOnlyTheDefaultBranchIsBuilt(t *testing.T) {
	now := []Head{{old, "o"}, {main, "a"}, {topic, "b"}}
	moved, noted := First(now, main)
	if !slices.Equal(moved, []Move{{Head{main, "a"}, ""}}) || !slices.Equal(noted, []Head{{old, "o"}, {topic, "b"}}) {
		t.Errorf("builds %v, notes %v", moved, noted)
	}
	if moved, noted = First(now, ""); moved != nil || len(noted) != 3 {
		t.Errorf("without a default branch: builds %v, notes %v", moved, noted)
	}
}

func TestAMoveIsSettledOnceItWasSeenTwice(t *testing.T) {
	first := []Move{{Head{main, "b"}, "a"}}
	settled, fresh := Settled(first, nil)
	if settled != nil || !slices.Equal(fresh, first) {
		t.Errorf("at first: %v and %v", settled, fresh)
	}
	settled, fresh = Settled([]Move{{Head{main, "b"}, "a"}, {Head{topic, "c"}, ""}}, fresh)
	if !slices.Equal(settled, first) || !slices.Equal(fresh, []Move{{Head{topic, "c"}, ""}}) {
		t.Errorf("then: %v and %v", settled, fresh)
	}
	if settled, _ = Settled([]Move{{Head{main, "d"}, "a"}}, first); settled != nil {
		t.Errorf("moved on meanwhile: %v", settled)
	}
}
