package suite

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
)

// pytestPatterns are pytest's own names for files with tests.
var pytestPatterns = []string{"test_*.py", "*_test.py"}

// byPytest runs all tests by pytest with the repository's own settings, from the project's folder.
func (c *chooser) byPytest() {
	c.suite.Program = Pytest
	argv := []string{c.options.Python, "-m", "pytest"}
	for range max(0, c.config.quiet()-1) {
		argv = append(argv, "-v") // else there would be no summary
	}
	for _, dir := range c.environments() {
		argv = append(argv, "--ignore="+dir)
	}
	runs := c.collected()
	if extra := c.unusual(); len(extra) > 0 {
		patterns := append(slices.Clone(pytestPatterns), basenames(extra)...)
		argv = append(argv, "-o", "python_files="+strings.Join(patterns, " "))
		runs = append(runs, extra...)
	}
	c.suite.Runs = []checkout.Command{c.command("", argv, c.searched(runs, false))}
	c.suite.Why = fmt.Sprintf("%s, by pytest: %s", count(len(runs), "test file"), c.suite.NeedsPytest)
	c.leave(runs, func(f file) string {
		if !f.importable() {
			return f.unimportable()
		}
		return "pytest's patterns do not match its name"
	})
}

// collected are the files that pytest finds by name.
func (c *chooser) collected() []file {
	var found []file
	for _, f := range c.files {
		if len(c.config.patterns) > 0 && c.config.matches(f.base) || len(c.config.patterns) == 0 && f.byPytest() {
			found = append(found, f)
		}
	}
	return found
}

// unusual are the files with tests whose names pytest does not take for those of tests, where the
// repository does not say which names it does.
func (c *chooser) unusual() []file {
	if len(c.config.patterns) > 0 {
		return nil
	}
	var found []file
	for _, f := range c.files {
		if f.looksLikeTest() && !f.byPytest() && f.importable() && f.known && f.holdsTests() {
			found = append(found, f)
		}
	}
	return found
}

func basenames(files []file) []string {
	var all []string
	for _, f := range files {
		all = append(all, f.base)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// environments are the virtual environments in the checkout, where pytest must not look for tests.
func (c *chooser) environments() []string {
	var dirs []string
	for dir, kind := range c.tree.Foreign() {
		if kind == checkout.Environment && !strings.HasPrefix(path.Base(dir), ".") {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return dirs
}
