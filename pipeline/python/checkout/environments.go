package checkout

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Environments lists the folders that are virtual environments.
func (t *Tree) Environments() []string {
	var dirs []string
	for _, p := range t.Paths {
		if dir, ok := environment(p); ok {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// sitePackages is where an environment keeps what is installed, below its top.
var sitePackages = regexp.MustCompile(`^(?i:(.+)/lib(?:32|64)?(?:/(?:python|pypy)[\d.]*)?/|(.+)/)site-packages$`)

// environment names the folder of which p shows that it is a virtual environment: by a pyvenv.cfg
// at its top (PEP 405), or by its site-packages.
func environment(p string) (string, bool) {
	switch base := path.Base(p); {
	case base == "pyvenv.cfg" && path.Dir(p) != ".":
		return path.Dir(p), true
	case strings.EqualFold(base, "site-packages"):
		if m := sitePackages.FindStringSubmatch(p); m != nil {
			return m[1] + m[2], true
		}
		return p, true
	}
	return "", false
}
