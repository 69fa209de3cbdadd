package python

import (
	"path"
	"slices"
	"strings"

	"vivarium/sandbox"
)

// tree answers questions about a survey by path. Paths are relative to the checkout, with slashes;
// "." is its root.
type tree struct {
	paths    []string // all, sorted
	files    map[string]sandbox.File
	children map[string][]string // base names by directory, sorted
	contents map[string][]byte
}

func newTree(s sandbox.Survey) *tree {
	t := &tree{
		files:    make(map[string]sandbox.File, len(s.Files)),
		children: map[string][]string{},
		contents: s.Contents,
	}
	for _, f := range s.Files {
		t.paths = append(t.paths, f.Path)
		t.files[f.Path] = f
		dir, base := path.Dir(f.Path), path.Base(f.Path)
		t.children[dir] = append(t.children[dir], base)
	}
	return t
}

// maxLinks bounds a chain of symbolic links, as Linux does (40, path_resolution(7)).
const maxLinks = 40

// resolve follows p where it is a symbolic link to another entry of the tree. It does not follow
// links further up in a path: nothing that a plan depends on needs them.
func (t *tree) resolve(p string) (sandbox.File, bool) {
	if p == "." {
		return sandbox.File{Path: ".", Dir: true}, true
	}
	for range maxLinks {
		f, ok := t.files[p]
		if !ok || f.Link == "" {
			return f, ok
		}
		if path.IsAbs(f.Link) {
			return sandbox.File{}, false
		}
		p = path.Join(path.Dir(p), f.Link)
		if p == "." {
			return sandbox.File{Path: ".", Dir: true}, true
		}
	}
	return sandbox.File{}, false
}

// exists reports whether there is anything at p, even a broken link.
func (t *tree) exists(p string) bool {
	_, ok := t.files[p]
	return ok
}

func (t *tree) isFile(p string) bool {
	f, ok := t.resolve(p)
	return ok && !f.Dir
}

// isPackage reports whether dir is a folder with an __init__.py.
func (t *tree) isPackage(dir string) bool {
	f, ok := t.resolve(dir)
	return ok && f.Dir && t.isFile(path.Join(f.Path, "__init__.py"))
}

// list gives the base names in a directory, sorted.
func (t *tree) list(dir string) []string {
	f, ok := t.resolve(dir)
	if !ok || !f.Dir {
		return nil
	}
	return t.children[f.Path]
}

// read returns a file's contents, where the survey holds them.
func (t *tree) read(p string) ([]byte, bool) {
	f, ok := t.resolve(p)
	if !ok {
		return nil, false
	}
	b, ok := t.contents[f.Path]
	return b, ok
}

// folders are some folders of a tree, each with a slash at its end. They are sorted and none is
// inside another, so that one search tells whether they hold a path. A repository may have any
// number of both.
type folders []string

func newFolders(dirs []string) folders {
	all := make(folders, len(dirs))
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

// hold reports whether p lies in one of them.
func (f folders) hold(p string) bool {
	i, _ := slices.BinarySearch(f, p)
	return i > 0 && strings.HasPrefix(p, f[i-1])
}
