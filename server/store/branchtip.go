package store

import "time"

// maxAhead is how far GitHub's clock may be ahead of this one. What a push says beyond it is not believed: it would count as the
// newest of its branch until that time has come.
const maxAhead = 10 * time.Minute

// pushTime is when a push was made, by which those of a branch are ordered: as GitHub says, to the second, else as it arrives.
func pushTime(said, arrived time.Time) time.Time {
	if said.IsZero() || said.After(arrived.Add(maxAhead)) {
		return arrived
	}
	return said
}

// pushed is one push of a branch: from one commit to another.
type pushed struct {
	ID        int64
	RepoKey   string
	Ref       string
	BeforeSHA string // empty where the branch was made
	SHA       string
}

// tip is the last of a branch's pushes that were made in the same second, given in the order in which they came. Deliveries
// overtake each other, but each says which commit the branch was at before: whoever follows them from commit to commit ends at the one
// that was come to once more often than it was left, also where a forced push led back. Where they lead to several ends, since some
// are missing, or in a circle, the one that came last counts.
func tip(pushes []pushed) pushed {
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

// tips gives the tip of each branch, given the pushes of each together.
func tips(pushes []pushed) []pushed {
	var all []pushed
	for from, to := 0, 0; from < len(pushes); from = to {
		for to = from; to < len(pushes) && pushes[to].RepoKey == pushes[from].RepoKey && pushes[to].Ref == pushes[from].Ref; {
			to++
		}
		all = append(all, tip(pushes[from:to]))
	}
	return all
}
