package declared

import (
	"path"
	"regexp"

	"vivarium/pipeline/python/checkout"
)

// IsProject reports whether a folder holds a project: something that says what is to be installed, or
// the script that runs a Django project.
func IsProject(t *checkout.Tree, dir string) bool {
	for _, name := range []string{setupPy, pipfileName, "environment.yml", "environment.yaml", "manage.py"} {
		if t.IsFile(path.Join(dir, name)) {
			return true
		}
	}
	for _, name := range t.List(dir) {
		if isRequirements(name) {
			return true
		}
	}
	data, _ := t.Read(path.Join(dir, pyproject))
	return projectTable.Match(data)
}

// projectTable is what a pyproject.toml has that is for more than the settings of tools. Files are
// not parsed for that: there may be any number of them.
var projectTable = regexp.MustCompile(`(?m)^\s*\[\s*(?:project|build-system|tool\s*\.\s*poetry)\b`)
