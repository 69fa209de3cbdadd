package fixed

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"

	"vivarium/sandbox"
)

// everyConftest is protected wherever the operator's files hold the tests: pytest runs each one that
// is near the tests.
const everyConftest = "conftest.py"

// Protected are the patterns in force for these files of the operator's own.
func (p Part) Protected(own Files) []string {
	if p.Protect != nil || len(own) == 0 {
		return p.Protect
	}
	patterns := []string{everyConftest}
	for name := range own {
		top, _, _ := strings.Cut(name, "/")
		patterns = append(patterns, "/"+literal(top))
	}
	slices.Sort(patterns)
	return slices.Compact(patterns)
}

// literal writes a name as a pattern that matches only this name.
func literal(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, " ", `\ `).Replace(name)
}

// Removed are the paths of a checkout that must go before the operator's own files are put there:
// what is protected, and what stands at or above a path of those files and is not a folder above it.
// Of a folder that goes as a whole only its own path is named.
func (p Part) Removed(files []sandbox.File, own Files) []string {
	var patterns []gitignore.Pattern
	for _, text := range p.Protected(own) {
		patterns = append(patterns, gitignore.ParsePattern(text, nil))
	}
	protected := gitignore.NewMatcher(patterns)
	above := map[string]bool{}
	for name := range own {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			above[dir] = true
		}
	}
	var removed []string
	gone := map[string]bool{}
	for _, f := range slices.SortedFunc(slices.Values(files), byDepth) {
		if gone[path.Dir(f.Path)] {
			gone[f.Path] = true
			continue
		}
		_, taken := own[f.Path]
		if taken || above[f.Path] && !f.Dir || protected.Match(strings.Split(f.Path, "/"), f.Dir) {
			gone[f.Path] = true
			removed = append(removed, f.Path)
		}
	}
	return removed
}

// byDepth puts a folder before what is in it.
func byDepth(a, b sandbox.File) int {
	if n := strings.Count(a.Path, "/") - strings.Count(b.Path, "/"); n != 0 {
		return n
	}
	return strings.Compare(a.Path, b.Path)
}

// Laid says what came of the repository's files where the operator's stand.
type Laid struct {
	Own      int      // files of the operator's own
	Patterns []string // that are protected
	Replaced []string // files of the repository in whose place another one of the operator's stands
	LeftOut  []string // files of the repository that stand at protected paths
}

// Lay says what becomes of the files of a checkout when removed goes. contents are those of its files
// that are asked for by Compared; a file that is the operator's already is not told of.
func (p Part) Lay(files []sandbox.File, removed []string, contents map[string][]byte, own Files) Laid {
	laid := Laid{Own: len(own), Patterns: p.Protected(own)}
	within := insider(removed)
	for _, f := range files {
		if f.Dir || !within(f.Path) {
			continue
		}
		file, ours := own[f.Path]
		held, known := contents[f.Path]
		switch {
		case !ours:
			laid.LeftOut = append(laid.LeftOut, f.Path)
		case f.Link != "" || !known || !bytes.Equal(held, file.Data):
			laid.Replaced = append(laid.Replaced, f.Path)
		}
	}
	return laid
}

// Compared are the files of a checkout whose contents Lay looks at.
func (f Files) Compared(files []sandbox.File) []string {
	var paths []string
	for _, one := range files {
		if file, ours := f[one.Path]; ours && !one.Dir && one.Link == "" && one.Size == int64(len(file.Data)) {
			paths = append(paths, one.Path)
		}
	}
	return paths
}

// insider tells what is one of some paths or below one of them.
func insider(paths []string) func(string) bool {
	set := map[string]bool{}
	for _, p := range paths {
		set[p] = true
	}
	return func(p string) bool {
		for ; p != "."; p = path.Dir(p) {
			if set[p] {
				return true
			}
		}
		return false
	}
}
