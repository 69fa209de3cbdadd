// Package checkout answers questions about the files of a checkout, by path.
package checkout

import (
	"path"
	"slices"
	"strings"

	"vivarium/sandbox"
)

// Tree is a survey by path. Paths are relative to the checkout, with slashes; "." is its root.
type Tree struct {
	Paths    []string // all, sorted
	files    map[string]sandbox.File
	children map[string][]string // base names by directory, sorted
	contents map[string][]byte
	passed   map[string]bool // links that are not read through
}

// New makes a Tree of a survey.
func New(s sandbox.Survey) *Tree {
	t := &Tree{
		files:    make(map[string]sandbox.File, len(s.Files)),
		children: map[string][]string{},
		contents: s.Contents,
	}
	for _, f := range s.Files {
		t.Paths = append(t.Paths, f.Path)
		t.files[f.Path] = f
		dir, base := path.Dir(f.Path), path.Base(f.Path)
		t.children[dir] = append(t.children[dir], base)
	}
	t.passLinks(s.Files)
	return t
}

// maxLinked bounds what is read through links, in bytes. What is read of the files themselves is
// bounded where it is asked for; but any number of links can lead to one large file.
const maxLinked = 8 << 20

// passLinks marks the links past that bound, the deepest ones.
func (t *Tree) passLinks(files []sandbox.File) {
	t.passed = map[string]bool{}
	if len(t.contents) == 0 {
		return
	}
	var links []string
	for _, f := range files {
		if f.Link != "" {
			links = append(links, f.Path)
		}
	}
	slices.SortStableFunc(links, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	room := maxLinked
	for _, p := range links {
		f, _ := t.Resolve(p)
		size := len(t.contents[f.Path])
		if size > room {
			t.passed[p] = true
			continue
		}
		room -= size
	}
}

// maxLinks bounds a chain of symbolic links, as Linux does (40, path_resolution(7)).
const maxLinks = 40

// Resolve follows p where it is a symbolic link to another entry of the tree. It does not follow
// links further up in a path: nothing that a plan depends on needs them.
func (t *Tree) Resolve(p string) (sandbox.File, bool) {
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

// File is the entry at p, as it stands in the listing: a link is not followed. It is the zero File
// where there is none.
func (t *Tree) File(p string) sandbox.File { return t.files[p] }

// Held reports whether the contents of the file at p are there; no link is followed.
func (t *Tree) Held(p string) bool {
	_, ok := t.contents[p]
	return ok
}

// Exists reports whether there is anything at p, even a broken link.
func (t *Tree) Exists(p string) bool {
	_, ok := t.files[p]
	return ok
}

func (t *Tree) IsFile(p string) bool {
	f, ok := t.Resolve(p)
	return ok && !f.Dir
}

// IsPackage reports whether dir is a folder with an __init__.py.
func (t *Tree) IsPackage(dir string) bool {
	f, ok := t.Resolve(dir)
	return ok && f.Dir && t.IsFile(path.Join(f.Path, "__init__.py"))
}

// List gives the base names in a directory, sorted.
func (t *Tree) List(dir string) []string {
	f, ok := t.Resolve(dir)
	if !ok || !f.Dir {
		return nil
	}
	return t.children[f.Path]
}

// Read returns a file's contents, where the survey holds them. Through links it reads no more than a
// bound.
func (t *Tree) Read(p string) ([]byte, bool) {
	f, ok := t.Resolve(p)
	if !ok || t.passed[p] {
		return nil, false
	}
	b, ok := t.contents[f.Path]
	return b, ok
}
