package checkout

import (
	"path"
	"regexp"
	"slices"
)

// Kind says why what stands in a folder is not the repository's own code.
type Kind string

const (
	Environment Kind = "virtual environment"
	Vendored    Kind = "other people's code"
	Output      Kind = "build output"
)

// Foreign lists the folders that hold other people's code or copies of the repository's own, each
// with its kind. It lists none inside another.
func (t *Tree) Foreign() map[string]Kind {
	kinds := map[string]Kind{}
	for _, p := range t.Paths {
		if kind, ok := t.kind(p); ok && t.files[p].Dir {
			kinds[p] = kind
		}
	}
	for _, dir := range t.Environments() {
		kinds[dir] = Environment
	}
	var dirs []string
	for dir := range kinds {
		dirs = append(dirs, dir)
	}
	outer := NewFolders(dirs)
	for dir := range kinds {
		if _, ok := slices.BinarySearch(outer, dir+"/"); !ok {
			delete(kinds, dir)
		}
	}
	return kinds
}

var (
	vendoredName = regexp.MustCompile(`^(?:_?vendored|_vendor|vendor|third[-_]?party|3rd[-_]?party|` +
		`node_modules|bower_components)$`)
	outputName  = regexp.MustCompile(`^(?:\.eggs|.+\.egg|\.tox|\.nox|__pypackages__|.+\.egg-info|.+\.dist-info)$`)
	buildFolder = regexp.MustCompile(`(?:^|/)build/(?:lib|bdist|temp|scripts)[^/]*$`) // setuptools writes these
)

func (t *Tree) kind(dir string) (Kind, bool) {
	base := path.Base(dir)
	switch {
	case vendoredName.MatchString(base) && !t.application(dir):
		return Vendored, true
	case outputName.MatchString(base), buildFolder.MatchString(dir):
		return Output, true
	}
	return "", false
}

// application reports whether a folder is a Django application: a shop's vendors are no vendored
// code.
func (t *Tree) application(dir string) bool {
	return slices.ContainsFunc([]string{"models.py", "apps.py", "views.py"}, func(name string) bool {
		return t.IsFile(path.Join(dir, name))
	})
}
