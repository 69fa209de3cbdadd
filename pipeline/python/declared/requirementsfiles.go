package declared

import (
	"path"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"vivarium/pipeline/python/checkout"
)

const requirements = "requirements.txt"

// Files are the requirements files of a project, by what they are for.
type Files struct {
	Main       string   // empty where there is none
	Misspelt   bool     // Main has not quite the name that people look for
	Companions []string // for tests and development, the first one first
}

// RequirementsFiles finds the requirements files at the root of a tree and in its folder
// requirements.
func RequirementsFiles(t *checkout.Tree) Files {
	f := Files{Companions: companions(t)}
	switch {
	case t.Exists(requirements):
		f.Main = requirements
		return f
	case misspelt(t) != "":
		f.Main, f.Misspelt = misspelt(t), true
		return f
	}
	for _, name := range []string{
		"requirements.txt", "base.txt", "common.txt", "main.txt", "prod.txt", "production.txt",
	} {
		if p := path.Join("requirements", name); t.IsFile(p) {
			f.Main = p
			return f
		}
	}
	return f
}

// companionNames are the usual names, the first one first, with - for each separator.
var companionNames = []string{
	"requirements-dev", "dev-requirements", "requirements-test", "requirements-tests", "test-requirements",
	"tests-requirements", "requirements-testing", "requirements-development",
}

// companionsBelow are those names in the folder requirements, in the order of companionNames.
var companionsBelow = []string{"dev", "", "test", "tests", "", "", "testing", "development"}

func companions(t *checkout.Tree) []string {
	ranked := make([][]string, len(companionNames)+1)
	for _, name := range t.List(".") {
		if i := slices.Index(companionNames, plainName(name)); i >= 0 && t.IsFile(name) {
			ranked[i] = append(ranked[i], name)
		}
	}
	for _, name := range t.List("requirements") {
		plain, p := plainName(name), path.Join("requirements", name)
		i := slices.Index(companionsBelow, plain)
		if i < 0 || plain == "" {
			i = slices.Index(companionNames, plain)
		}
		if i >= 0 && t.IsFile(p) {
			ranked[i] = append(ranked[i], p)
		}
	}
	for _, p := range []string{"tests/requirements.txt", "test/requirements.txt"} {
		if t.IsFile(p) {
			ranked[len(companionNames)] = append(ranked[len(companionNames)], p)
		}
	}
	return slices.Concat(ranked...)
}

// plainName is a name without .txt and with one kind of separator; empty for another kind of file.
func plainName(name string) string {
	stem, ok := strings.CutSuffix(strings.ToLower(name), ".txt")
	if !ok {
		return ""
	}
	return strings.NewReplacer("_", "-", ".", "-").Replace(stem)
}

// maxTypos is by how many letters a name may differ from requirements.txt to be taken for it.
const maxTypos = 3

func misspelt(t *checkout.Tree) string {
	for _, name := range t.List(".") {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "re") && len(lower) < 2*len(requirements) && t.IsFile(name) &&
			levenshtein.ComputeDistance(lower, requirements) <= maxTypos {
			return name
		}
	}
	return ""
}

// isRequirements reports whether a file of this name in a folder says that a project is there.
func isRequirements(name string) bool {
	lower := strings.ToLower(name)
	return slices.Contains(companionNames, plainName(name)) ||
		strings.HasPrefix(lower, "re") && len(lower) < 2*len(requirements) &&
			levenshtein.ComputeDistance(lower, requirements) <= maxTypos
}
