// Package verdict decides which push of a branch was made last, and which build judges its commit.
// Its functions are pure: they work on what the store has read.
package verdict

import "time"

// maxAhead is how far GitHub's clock may be ahead of this one. A push time beyond it is not
// believed: such a push would count as the newest of its branch until that time has come.
const maxAhead = 10 * time.Minute

// PushTime is when a push was made, which orders the pushes of a branch: the time that GitHub
// states, to the second, else the time of arrival.
func PushTime(said, arrived time.Time) time.Time {
	if said.IsZero() || said.After(arrived.Add(maxAhead)) {
		return arrived
	}
	return said
}

// Push is one push of a branch: from one commit to another.
type Push struct {
	ID        int64 // the id of its build
	Branch    string
	BeforeSHA string // empty where the push created the branch
	SHA       string
}

// Tip is the last of those pushes of a branch that were made in the same second, given in the order
// of their arrival. Deliveries overtake each other, but each names the commit that the branch was
// at before. The last commit is the one that was pushed once more often than it was left, even
// where a forced push led back. Where several commits qualify, since some pushes are missing, or
// none does, since the pushes form a circle, the one that arrived last counts.
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

// Tips returns the ids of the tips, of those pushes that are built. The pushes of each branch must
// stand together.
func Tips(pushes []Dated) []int64 {
	var ids []int64
	for from, to := 0, 0; from < len(pushes); from = to {
		for to = from; to < len(pushes) && pushes[to].Branch == pushes[from].Branch; {
			to++
		}
		if last, ok := Last(pushes[from:to]); ok {
			ids = append(ids, last.ID)
		}
	}
	return ids
}
