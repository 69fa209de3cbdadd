package registry

import "slices"

// Limits are what the operator allows the repositories of one entry. A zero field allows any number.
type Limits struct {
	// Caps: what is over one waits for its turn.

	Running int // builds that run at a time, of all its repositories together
	Each    int // and of each one of them

	// Quotas, of all its repositories together: what is over one is not built.

	Minutes  int   // that builds run in a day, which begins at 00:00 UTC
	LogBytes int64 // that stored logs take
	Queue    int   // builds that wait
}

// Running is a build that runs: of which repository, and which entries it counts for.
type Running struct {
	Repo    string  // in lower case
	Entries []int64 // its own, and the one that let it in
}

// Full are the repositories and the entries of which no further build may start now.
type Full struct {
	Repos   []string
	Entries []int64
}

// FullNow decides which those are: perRepo is how many builds of any one repository may run; 0 is any number.
func FullNow(running []Running, perRepo int, limits map[int64]Limits) (f Full) {
	repos, entries := map[string]int{}, map[int64]int{}
	for _, b := range running {
		repos[b.Repo]++
		most := perRepo
		for _, id := range b.Entries {
			entries[id]++
			most = lower(most, limits[id].Each)
		}
		if most > 0 && repos[b.Repo] >= most && !slices.Contains(f.Repos, b.Repo) { // one of it may count for another entry
			f.Repos = append(f.Repos, b.Repo)
		}
	}
	for id, n := range entries {
		if most := limits[id].Running; most > 0 && n >= most {
			f.Entries = append(f.Entries, id)
		}
	}
	return f
}

// lower is the lower of two limits, of which 0 is none.
func lower(a, b int) int {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
