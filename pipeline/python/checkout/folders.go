package checkout

import (
	"slices"
	"strings"
)

// Folders are some folders of a tree, each with a slash at its end. They are sorted and none is
// inside another, so that one search tells whether they hold a path. A repository may have any
// number of both.
type Folders []string

// NewFolders makes Folders of paths.
func NewFolders(dirs []string) Folders {
	all := make(Folders, len(dirs))
	for i, dir := range dirs {
		all[i] = dir + "/"
	}
	slices.Sort(all)
	outer := all[:0]
	for _, dir := range all {
		if n := len(outer); n == 0 || !strings.HasPrefix(dir, outer[n-1]) {
			outer = append(outer, dir)
		}
	}
	return outer
}

// Hold reports whether p lies in one of them.
func (f Folders) Hold(p string) bool {
	i, _ := slices.BinarySearch(f, p)
	return i > 0 && strings.HasPrefix(p, f[i-1])
}
