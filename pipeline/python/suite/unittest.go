package suite

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
)

// starts are the folders in which tests are looked for: the first that has some is taken.
var starts = []string{"tests", "test", "."}

// byUnittest runs the tests of the first folder in which there are some by unittest: those that its
// default pattern finds or, when it finds none, those of other usual names.
func (c *chooser) byUnittest() {
	c.suite.Program = Unittest
	for _, usual := range []bool{true, false} {
		for _, start := range starts {
			files := c.found(start, usual)
			if len(files) == 0 {
				continue
			}
			c.discover(start, files, usual)
			c.leave(files, func(f file) string { return c.whyLeft(f, start) })
			return
		}
	}
	if files := c.byScript(); len(files) > 0 {
		c.discover(".", files, false)
		c.suite.Why += ", which the repository's own scripts run"
		c.leave(files, func(f file) string { return c.whyLeft(f, ".") })
		return
	}
	c.suite.Why = "none found: no test*.py in tests, test or the root that holds a TestCase"
	c.leave(nil, func(f file) string { return c.whyLeft(f, ".") })
}

// found are the files below a folder that unittest takes for tests by their names, or those of
// other usual names. A folder in which none of them holds a test has none.
func (c *chooser) found(start string, usual bool) []file {
	dir, _ := c.tree.Resolve(start)
	var files []file
	holds := false
	for _, f := range c.files {
		if !f.below(dir.Path) || dir.Path == "" {
			continue
		}
		if usual && f.byDefault() || !usual && f.looksLikeTest() && f.importable() && f.known && f.hasCases() {
			files = append(files, f)
			holds = holds || f.hasCases()
		}
	}
	if !holds {
		return nil
	}
	return files
}

func (c *chooser) whyLeft(f file, start string) string {
	switch {
	case !f.importable():
		return f.unimportable()
	case !f.hasCases():
		return "it holds no TestCase"
	case !f.below(start):
		return "the tests are taken from " + start + "/"
	}
	return "its name does not match test*.py"
}

// unimportable says why Python cannot import the file by its name.
func (f file) unimportable() string {
	if strings.Contains(f.base, "-") {
		return "a hyphen in its name keeps Python from importing it: rename it to " +
			strings.ReplaceAll(f.base, "-", "_")
	}
	return "Python cannot import a file of this name"
}

// group is the files that one run finds: those of one pattern below one top folder.
type group struct {
	start, pattern string
}

// discover makes one run for each folder from which Python would import the tests: a package's
// modules are imported from the folder that holds the outermost package, others from their own.
func (c *chooser) discover(start string, files []file, usual bool) {
	groups := map[group][]file{}
	for _, f := range files {
		g := group{start: c.startOf(f, start)}
		if !usual {
			g.pattern = pattern(f.base)
		}
		groups[g] = append(groups[g], f)
	}
	maps.DeleteFunc(groups, func(_ group, files []file) bool { return !slices.ContainsFunc(files, file.hasCases) })
	order := slices.SortedFunc(maps.Keys(groups), func(a, b group) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.pattern, b.pattern))
	})
	same := c.alike(groups)
	for _, g := range order {
		run := c.run(g, groups[g])
		if top := c.top(g.start); same[top] && top != "." {
			run.Below = top + "/"
		}
		c.suite.Runs = append(c.suite.Runs, run)
	}
	where := start + "/"
	if start == "." {
		where = "the root and its folders"
	}
	c.suite.Why = fmt.Sprintf("%s in %s", count(len(files), "test file"), where)
	if len(order) > 1 {
		c.suite.Why += fmt.Sprintf(", in %d runs, since one cannot import them all", len(order))
	}
}

// alike are the folders from which modules are imported whose names another folder has, too:
// unittest gives the tests of both the same names.
func (c *chooser) alike(groups map[group][]file) map[string]bool {
	last, same := map[string]string{}, map[string]bool{}
	for g, files := range groups {
		top := c.top(g.start)
		for _, f := range files {
			module := f.path
			if top != "." {
				module = strings.TrimPrefix(module, top+"/")
			}
			if other, known := last[module]; known && other != top {
				same[other], same[top] = true, true
			}
			last[module] = top
		}
	}
	return same
}

// top is the folder from which a run that starts in another imports its modules.
func (c *chooser) top(start string) string {
	if start != "." && c.tree.IsPackage(start) {
		return "."
	}
	return start
}

// startOf is the folder from which a run finds the file: start, where the packages between lead
// there, else the folder that holds the file's outermost package.
func (c *chooser) startOf(f file, start string) string {
	dir, _ := c.tree.Resolve(start)
	at := path.Dir(f.path)
	for at != dir.Path && c.tree.IsPackage(at) {
		at = path.Dir(at)
	}
	if at == dir.Path {
		return start
	}
	return at
}

func (c *chooser) run(g group, files []file) checkout.Command {
	arguments := []string{"discover", "-v", "-s", g.start}
	inPackage := c.top(g.start) != g.start
	if inPackage {
		arguments = append(arguments, "-t", ".")
	}
	if g.pattern != "" {
		arguments = append(arguments, "-p", g.pattern)
	}
	argv := append([]string{c.options.Python, "-m", "unittest"}, arguments...)
	return c.command("", argv, c.searched(files, inPackage))
}

// patterns are the usual names of tests besides test*.py.
var patterns = []string{"*_test.py", "*_tests.py", "Test*.py", "*Test.py", "*Tests.py", "*test.py", "*tests.py"}

func pattern(base string) string {
	for _, p := range patterns {
		if ok, _ := path.Match(p, base); ok {
			return p
		}
	}
	return base
}
