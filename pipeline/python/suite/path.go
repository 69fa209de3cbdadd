package suite

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// searched are the folders on the path of a run besides those where Python looks anyway: src, where
// the project's modules lie in it and are not installed; and the folders of the tests themselves,
// where these lie in a package and import each other by their bare names.
func (c *chooser) searched(files []file, inPackage bool) []string {
	var dirs []string
	if !c.options.Installed && c.hasModules("src") {
		dirs = append(dirs, "src")
	}
	if inPackage {
		for _, f := range files {
			if dir := path.Dir(f.path); dir != "." && c.tree.IsPackage(dir) && c.importsSibling(f) {
				dirs = append(dirs, dir)
			}
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// hasModules reports whether a folder that is no package holds modules or packages.
func (c *chooser) hasModules(dir string) bool {
	return !c.tree.IsPackage(dir) && slices.ContainsFunc(c.tree.List(dir), func(name string) bool {
		p := path.Join(dir, name)
		return strings.HasSuffix(name, ".py") && c.tree.IsFile(p) || c.tree.IsPackage(p)
	})
}

// importsSibling reports whether a test imports a module beside it that cannot be found from the
// project's folder.
func (c *chooser) importsSibling(f file) bool {
	return slices.ContainsFunc(f.source.Imports, func(module string) bool {
		top, _, _ := strings.Cut(module, ".")
		return c.hasModule(path.Dir(f.path), top) && !c.hasModule(".", top) && !c.hasModule("src", top)
	})
}

func (c *chooser) hasModule(dir, name string) bool {
	p := path.Join(dir, name)
	return c.tree.IsFile(p+".py") || c.tree.IsPackage(p)
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
