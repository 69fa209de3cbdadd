package verdict

import "vivarium/pipeline"

// Of is the build that judges a commit, given its builds on a branch by their ids: the newest that came to an end by itself counts;
// one that was canceled says nothing of the commit, and counts where there is no other.
func Of(builds []pipeline.Build) pipeline.Build { return newest(builds, weight) }

// Standing is the build that tells what a commit has come to so far: one that is under way, else the one that judges it.
func Standing(builds []pipeline.Build) pipeline.Build {
	return newest(builds, func(s pipeline.State) int {
		if !s.Ended() {
			return 3
		}
		return weight(s)
	})
}

// CameToNothing holds for the ends that say nothing of a commit.
func CameToNothing(s pipeline.State) bool { return s == pipeline.Errored || s == pipeline.Canceled }

// weight orders states by what they say of a commit.
func weight(s pipeline.State) int {
	switch {
	case s == pipeline.Canceled:
		return 0
	case !s.Ended():
		return 1
	}
	return 2
}

// newest is the last of those that weigh most.
func newest(builds []pipeline.Build, weight func(pipeline.State) int) pipeline.Build {
	best := builds[0]
	for _, b := range builds[1:] {
		if weight(b.State) >= weight(best.State) {
			best = b
		}
	}
	return best
}
