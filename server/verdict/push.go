// Package verdict decides which push of a branch was made last, and which build tells what its commit came to: pure functions over
// what the store has read.
package verdict

import "time"

// maxAhead is how far GitHub's clock may be ahead of this one. What a push says beyond it is not believed: it would count as the
// newest of its branch until that time has come.
const maxAhead = 10 * time.Minute

// PushTime is when a push was made, by which those of a branch are ordered: as GitHub says, to the second, else as it arrives.
func PushTime(said, arrived time.Time) time.Time {
	if said.IsZero() || said.After(arrived.Add(maxAhead)) {
		return arrived
	}
	return said
}

// Push is one push of a branch: from one commit to another.
type Push struct {
	ID        int64 // of its build
	Branch    string
	BeforeSHA string // empty where the branch was made
	SHA       string
}

// Tip is the last of a branch's pushes that were made in the same second, given in the order in which they came. Deliveries
// overtake each other, but each says which commit the branch was at before: whoever follows them from commit to commit ends at the one
// that was come to once more often than it was left, also where a forced push led back. Where they lead to several ends, since some
// are missing, or in a circle, the one that came last counts.
func Tip(pushes []Push) Push {
	ends := map[string]int{}
	for _, p := range pushes {
		ends[p.SHA]++
		ends[p.BeforeSHA]--
	}
	for i := len(pushes) - 1; i >= 0; i-- {
		if ends[pushes[i].SHA] > 0 {
			return pushes[i]
		}
	}
	return pushes[len(pushes)-1]
}

// Tips gives the ids of the tips, given the pushes of each branch together.
func Tips(pushes []Push) []int64 {
	var ids []int64
	for from, to := 0, 0; from < len(pushes); from = to {
		for to = from; to < len(pushes) && pushes[to].Branch == pushes[from].Branch; {
			to++
		}
		ids = append(ids, Tip(pushes[from:to]).ID)
	}
	return ids
}
