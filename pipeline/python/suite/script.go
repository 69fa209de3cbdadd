package suite

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// IsScript reports whether a file may say how the repository runs its own tests.
func IsScript(p string) bool {
	base := path.Base(p)
	ext := path.Ext(base)
	switch {
	case strings.HasPrefix(p, ".github/workflows/"), strings.HasPrefix(p, ".circleci/"):
		return ext == ".yml" || ext == ".yaml"
	case strings.Contains(p, "/"):
		return ext == ".sh" && strings.Count(p, "/") == 1
	case base == ".gitlab-ci.yml", base == ".travis.yml", base == "Makefile", base == "makefile",
		base == "noxfile.py", base == "tasks.py", base == "justfile", base == "azure-pipelines.yml":
		return true
	}
	return ext == ".sh" || ext == ".bat"
}

// runsFile is a command line that runs a Python file of the repository's.
var runsFile = regexp.MustCompile(`\bpython[\d.]*\s+(?:-\w\s+)*(?:-m\s+unittest\s+(?:-\w\s+)*)?([\w./-]+\.py)\b`)

// RunBy lists the Python files that a script runs, by their paths from the root; at most a few.
func RunBy(script []byte) []string {
	var all []string
	for _, m := range runsFile.FindAllSubmatch(script, 20) {
		all = append(all, path.Clean(string(m[1])))
	}
	return all
}

// byScript are the files with a TestCase that the repository's own CI or scripts run.
func (c *chooser) byScript() []file {
	named := map[string]bool{}
	for _, p := range c.tree.Paths {
		if data, ok := c.tree.Read(p); ok && IsScript(p) {
			for _, program := range RunBy(data) {
				named[program] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(c.files), func(f file) bool {
		return !named[f.path] || !f.known || !f.importable() || !f.hasCases()
	})
}
