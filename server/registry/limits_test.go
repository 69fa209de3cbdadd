package registry

import (
	"slices"
	"testing"
)

func TestFullNow(t *testing.T) {
	const single, group, one, two, alone = 1, 10, 11, 12, 0
	run := func(repo string, entries ...int64) Running { return Running{Repo: repo, Entries: entries} }
	limits := map[int64]Limits{single: {Running: 1}, group: {Running: 3, Each: 2}, two: {Each: 1}}
	for name, c := range map[string]struct {
		running []Running
		perRepo int
		want    Full
	}{
		"nothing runs": {nil, 1, Full{}},
		"no cap":       {[]Running{run("a/a", alone), run("a/a", alone)}, 0, Full{}},
		"each repository": {
			[]Running{run("a/a", alone), run("a/b", alone), run("a/a", alone)},
			2,
			Full{Repos: []string{"a/a"}},
		},
		"more than a cap that was lowered": {
			[]Running{run("a/a", alone), run("a/a", alone), run("a/a", alone)},
			2,
			Full{Repos: []string{"a/a"}},
		},
		"a repository's own": {[]Running{run("s/s", single)}, 0, Full{Entries: []int64{single}}},
		"below a pattern's":  {[]Running{run("g/1", one, group), run("g/2", two+1, group)}, 0, Full{}},
		"each of a pattern": {
			[]Running{run("g/1", one, group), run("g/1", one, group)},
			0,
			Full{Repos: []string{"g/1"}},
		},
		"a lower one of its own": {[]Running{run("g/2", two, group)}, 0, Full{Repos: []string{"g/2"}}},
		"let in again since one began": {
			[]Running{run("g/2", alone), run("g/2", two, group)},
			0,
			Full{Repos: []string{"g/2"}},
		},
		"let in by none since one began": {
			[]Running{run("g/1", one, group), run("g/1", alone)},
			0,
			Full{Repos: []string{"g/1"}},
		},
		"a lower one of all": {[]Running{run("g/1", one, group)}, 1, Full{Repos: []string{"g/1"}}},
		"of a pattern together": {
			[]Running{run("g/1", one, group), run("g/3", 13, group), run("g/4", 14, group)},
			0,
			Full{Entries: []int64{group}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := FullNow(c.running, c.perRepo, limits)
			if !slices.Equal(got.Repos, c.want.Repos) || !slices.Equal(got.Entries, c.want.Entries) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
