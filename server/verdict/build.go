package verdict

import "vivarium/pipeline"

// Of is the build that judges a commit, given the commit's builds on a branch in the order of their
// ids. The newest that ended by itself counts. One that was canceled or skipped says nothing about
// the commit, and counts only where there is no other.
func Of(builds []pipeline.Build) pipeline.Build { return newest(builds, weight) }

// Standing is the build that tells how a commit stands now: one that has not ended, else the one
// that judges it.
func Standing(builds []pipeline.Build) pipeline.Build {
	return newest(builds, func(s pipeline.State) int {
		if !s.Ended() {
			return 3
		}
		return weight(s)
	})
}

// CameToNothing reports whether a build has ended that neither passed nor failed its commit. Its push
// is built again when GitHub delivers it again; for one that was superseded, a newer push is.
func CameToNothing(b pipeline.Build) bool {
	return b.State == pipeline.Errored || b.State == pipeline.Canceled && b.Cause != pipeline.CauseSuperseded
}

// Passed reports whether a build tells of its commit that it passes: it did, or differs in nothing that
// is built from one that did.
func Passed(b pipeline.Build) bool {
	return b.State == pipeline.Passed || b.Cause == pipeline.CauseUnchanged
}

// weight orders states by how much they say about a commit.
func weight(s pipeline.State) int {
	switch {
	case s == pipeline.Canceled, s == pipeline.Skipped:
		return 0
	case !s.Ended():
		return 1
	}
	return 2
}

// newest is the last of the builds with the largest weight; the zero Build for no builds.
func newest(builds []pipeline.Build, weight func(pipeline.State) int) (best pipeline.Build) {
	for i, b := range builds {
		if i == 0 || weight(b.State) >= weight(best.State) {
			best = b
		}
	}
	return best
}
