package python

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/declared"
	"vivarium/pipeline/python/suite"
)

// place is where the project stands: dir below the checkout, "." for its root. why is empty where
// there was nothing to choose.
func place(t *checkout.Tree, conf config) (dir, why string, err error) {
	if workdir := conf.workdir; workdir != "" {
		if f, ok := t.Resolve(workdir); !ok || !f.Dir {
			return "", "", configError(
				fmt.Sprintf("%s = %q is no folder of the checkout", conf.by("workdir"), workdir),
				"name a folder that is committed, such as \"backend\"")
		}
		return workdir, conf.asker("workdir") + " names it as workdir", nil
	}
	if declared.IsProject(t, ".") || hasTests(t) {
		return ".", "", nil
	}
	found := subprojects(t)
	switch len(found) {
	case 0:
		return ".", "", nil
	case 1:
		return found[0], "the root holds no project, and no other folder does", nil
	}
	return "", "", &checkout.Mistake{
		File:    "the checkout",
		Problem: fmt.Sprintf("several folders hold a project: %s", shorten(found)),
		Advice:  fmt.Sprintf("name one in a pyproject.toml at the root: [tool.vivarium] workdir = %q", found[0]),
	}
}

// maxDepth is how far below the root projects are looked for.
const maxDepth = 3

// aside are folders whose requirements are for something else than running the project.
var aside = []string{"docs", "doc", "examples", "example", "vendor", "third_party", "node_modules", "site-packages"}

// subprojects are the folders that hold a project, of those nearest to the root.
func subprojects(t *checkout.Tree) []string {
	envs := checkout.NewFolders(t.Environments())
	var found []string
	for level := range maxDepth {
		for _, p := range t.Paths {
			if t.File(p).Dir && depth(p) == level && !isAside(p) && !envs.Hold(p+"/.") && declared.IsProject(t, p) {
				found = append(found, p)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func isAside(p string) bool {
	return slices.ContainsFunc(strings.Split(p, "/"), func(folder string) bool {
		return strings.HasPrefix(folder, ".") || slices.Contains(aside, strings.ToLower(folder))
	})
}

// hasTests reports whether tests stand where those of a project at the root do.
func hasTests(t *checkout.Tree) bool {
	for _, dir := range []string{".", "tests", "test"} {
		for _, name := range t.List(dir) {
			if suite.NamedAsTest(name) && t.IsFile(path.Join(dir, name)) {
				return true
			}
		}
	}
	return false
}
