package registry

import (
	"maps"
	"slices"
)

// Limits are what the operator allows the repositories of one entry. A zero field is no limit.
type Limits struct {
	// Caps: a build over one waits for its turn.

	Running int // builds that run at one time, of all the entry's repositories together
	Each    int // builds that run at one time, of each of its repositories

	// Quotas, of all the entry's repositories together: a build over one is not built.

	Minutes  int   // of builds in a day, which begins at 00:00 UTC
	LogBytes int64 // of stored logs
	Queue    int   // builds that wait
}

// Running is a running build: its repository, and the entries that it counts for.
type Running struct {
	Repo    string  // in lower case
	Entries []int64 // the repository's own, and the one that let it in
}

// Full are the repositories and the entries of which no further build may start now.
type Full struct {
	Repos   []string
	Entries []int64
}

// FullNow decides which repositories and entries are full. perRepo is how many builds of any one
// repository may run; 0 is any number.
func FullNow(running []Running, perRepo int, limits map[int64]Limits) (f Full) {
	repos, entries, most := map[string]int{}, map[int64]int{}, map[string]int{}
	for _, b := range running {
		repos[b.Repo]++
		// A repository's builds may count for several entries: the lowest limit of them holds.
		most[b.Repo] = lower(most[b.Repo], perRepo)
		for _, id := range b.Entries {
			entries[id]++
			most[b.Repo] = lower(most[b.Repo], limits[id].Each)
		}
	}
	for _, repo := range slices.Sorted(maps.Keys(repos)) {
		if most[repo] > 0 && repos[repo] >= most[repo] {
			f.Repos = append(f.Repos, repo)
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
