package python

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"vivarium/pipeline/python/checkout"
)

// moduleName is unittest.loader.VALID_MODULE_NAME: unittest skips files whose names cannot be
// imported.
var moduleName = regexp.MustCompile(`^(?i:[_a-z])[\p{L}\p{N}_]*\.py$`)

// isTestFile reports whether unittest's default pattern, test*.py, matches the name.
func isTestFile(name string) bool {
	return strings.HasPrefix(name, "test") && moduleName.MatchString(name)
}

// looksLikeTest reports whether a person would take the name for that of a test file.
func looksLikeTest(name string) bool {
	return strings.HasSuffix(name, ".py") &&
		(strings.HasPrefix(name, "test") || strings.HasSuffix(name, "_test.py")) ||
		name == "tests.py"
}

// chooseTests takes the first of tests, test and the root in which `unittest discover` finds a
// file.
func (p *Plan) chooseTests(t *checkout.Tree) {
	for _, start := range []string{"tests", "test", "."} {
		files := discover(t, start)
		if len(files) == 0 {
			continue
		}
		where := start + "/"
		if start == "." {
			where = "the root and its packages"
		}
		p.Test = []checkout.Command{{Argv: testCommand(t, start)}}
		p.TestWhy = fmt.Sprintf("%s in %s", count(len(files), "test file"), where)
		if rest := otherTests(t, files); len(rest) > 0 {
			p.note("not run, since they are not where the tests are taken from: %s", shorten(rest))
		}
		return
	}
	p.TestWhy = "none found: no test*.py in tests, test or the root where unittest looks"
	if near := otherTests(t, nil); len(near) > 0 {
		p.TestWhy += "; unittest does not find " + shorten(near) +
			": it takes files named test*.py, and below tests, test or the root only in " +
			"folders that hold an __init__.py"
	}
}

// testCommand starts discovery from the root when the tests are in a package, whose relative
// imports and imports of the project need that. For a plain folder it starts from that folder,
// since unittest refuses a start folder that is below the top and no package.
func testCommand(t *checkout.Tree, start string) []string {
	argv := []string{EnvPython, "-m", "unittest", "discover", "-v", "-s", start}
	if start != "." && t.IsPackage(start) {
		argv = append(argv, "-t", ".")
	}
	return argv
}

// discover lists the files that unittest would load. Below the start it enters only packages, and
// each folder once, however many links lead to it.
func discover(t *checkout.Tree, start string) []string {
	var found []string
	seen := map[string]bool{}
	var walk func(dir string)
	walk = func(dir string) {
		f, _ := t.Resolve(dir)
		if seen[f.Path] {
			return
		}
		seen[f.Path] = true
		for _, name := range t.List(dir) {
			p := path.Join(f.Path, name)
			switch {
			case t.IsFile(p):
				if isTestFile(name) {
					found = append(found, p)
				}
			case t.IsPackage(p):
				walk(p)
			}
		}
	}
	walk(start)
	return found
}

// otherTests lists what looks like a test file and is not among files.
func otherTests(t *checkout.Tree, files []string) []string {
	known := make(map[string]bool, len(files))
	for _, f := range files {
		known[f] = true
	}
	var rest []string
	envs := checkout.NewFolders(t.Environments())
	for _, p := range t.Paths {
		if t.File(p).Dir || known[p] || !looksLikeTest(path.Base(p)) || envs.Hold(p) {
			continue
		}
		rest = append(rest, p)
	}
	return rest
}
