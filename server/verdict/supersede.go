package verdict

import "vivarium/pipeline"

// Supersede is what becomes of an older push's build of a branch when a newer push comes.
type Supersede string

// Its values. The zero value leaves every build as it is.
const (
	SupersedeNone    Supersede = ""
	SupersedeWaiting Supersede = "waiting" // one that waits ends
	SupersedeRunning Supersede = "running" // one that runs ends, too
)

// Ends reports whether an older push's build that stands in a state ends.
func (s Supersede) Ends(state pipeline.State) bool {
	switch state {
	case pipeline.Queued:
		return s == SupersedeWaiting || s == SupersedeRunning
	case pipeline.Running:
		return s == SupersedeRunning
	}
	return false
}

// MaySupersede reports whether a ref's builds may end for a newer push's sake: those of a branch
// that is known not to be the default branch. Each commit of the default branch is built.
func MaySupersede(ref pipeline.Ref, of pipeline.Repository) bool {
	byDefault := of.DefaultRef()
	return ref.Kind() == pipeline.RefBranch && byDefault != "" && ref != byDefault
}

// Dated is a push of a branch with what decides whether it is the last one.
type Dated struct {
	Push
	PushedAt int64 // microseconds, as PushTime says
	Unbuilt  bool  // it was skipped or refused: nothing of it will be built
}

// Last is the push of a branch that was made last, of those that are built. They are given in the
// order of their arrival, and ok is false where none is built.
func Last(pushes []Dated) (last Dated, ok bool) {
	for len(pushes) > 0 {
		last = latest(pushes)
		if !last.Unbuilt {
			return last, true
		}
		pushes = without(pushes, last.ID)
	}
	return Dated{}, false
}

// latest is the push that was made last: by its time, and within a second by Tip.
func latest(pushes []Dated) Dated {
	var at int64
	for i, p := range pushes {
		if i == 0 || p.PushedAt > at {
			at = p.PushedAt
		}
	}
	var same []Push
	byID := map[int64]Dated{}
	for _, p := range pushes {
		if p.PushedAt == at {
			same = append(same, p.Push)
			byID[p.ID] = p
		}
	}
	return byID[Tip(same).ID]
}

func without(pushes []Dated, id int64) []Dated {
	var others []Dated
	for _, p := range pushes {
		if p.ID != id {
			others = append(others, p)
		}
	}
	return others
}
