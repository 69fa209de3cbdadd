// Package heads finds the branches that have moved, by where they were when the git host was last
// asked: pure decisions.
package heads

import (
	"cmp"
	"slices"

	"vivarium/pipeline"
)

// Head is a branch and the commit that it is at.
type Head struct {
	Ref pipeline.Ref
	SHA string
}

// Move is a branch that is at another commit than before.
type Move struct {
	Head
	Before string // the commit that it was at; empty for a branch that was not there
}

// Compare finds what has changed since a look, in the order of names.
func Compare(known map[pipeline.Ref]string, now []Head) (moved []Move, gone []pipeline.Ref) {
	there := map[pipeline.Ref]bool{}
	for _, h := range now {
		there[h.Ref] = true
		if before := known[h.Ref]; before != h.SHA {
			moved = append(moved, Move{h, before})
		}
	}
	for ref := range known {
		if !there[ref] {
			gone = append(gone, ref)
		}
	}
	slices.SortFunc(moved, func(a, b Move) int { return cmp.Compare(a.Ref, b.Ref) })
	slices.Sort(gone)
	return moved, gone
}

// First divides the branches of a repository that was never looked at: only the default branch is
// to be built. The others may be years old; they are noted, and built when they move.
func First(now []Head, defaultRef pipeline.Ref) (moved []Move, noted []Head) {
	for _, h := range now {
		if h.Ref == defaultRef {
			moved = append(moved, Move{Head: h})
		} else {
			noted = append(noted, h)
		}
	}
	return moved, noted
}

// Settled are the moves that an earlier look saw as well. A delivery may be on its way that tells
// of a fresh one.
func Settled(moved, earlier []Move) (settled, fresh []Move) {
	for _, m := range moved {
		if slices.ContainsFunc(earlier, func(e Move) bool { return e.Head == m.Head }) {
			settled = append(settled, m)
		} else {
			fresh = append(fresh, m)
		}
	}
	return settled, fresh
}
