// Package suite decides which tests a project has and how they are run: by unittest, by pytest or
// by Django's manage.py. It looks at names and at what stands in the files, and runs nothing.
package suite

import (
	"path"
	"strings"

	"vivarium/pipeline/python/checkout"
)

// Program is what runs the tests.
type Program string

const (
	Unittest Program = "unittest"
	Pytest   Program = "pytest"
	Django   Program = "Django's test runner" // which reports as unittest does
	Own      Program = "the repository's own commands"
	Fixed    Program = "the operator's commands"
)

// Left is a file that looks like a test and is not run.
type Left struct {
	Path, Reason string
}

// Suite is which tests are run and why.
type Suite struct {
	Program Program
	Runs    []checkout.Command // empty when there is nothing to run
	Why     string             // what is run, or why nothing is
	// NeedsPytest says why only pytest can run the tests; empty when unittest can.
	NeedsPytest string
	Left        []Left
}

// Options are what Choose needs to know besides the files.
type Options struct {
	Python    string // the interpreter that runs the tests
	Root      string // where the checkout stands when they run
	Dir       string // the project's folder below that; empty is the checkout itself
	Installed bool   // the project itself is installed, so that its src folder is on the path
}

// Choose looks at the project whose files these are.
func Choose(t *checkout.Tree, o Options) Suite {
	c := look(t, o)
	c.suite.NeedsPytest = c.needsPytest()
	switch {
	case c.suite.NeedsPytest != "":
		c.byPytest()
	case c.byDjango():
	default:
		c.byUnittest()
	}
	for i, run := range c.suite.Runs {
		c.suite.Runs[i] = reported(run)
	}
	return c.suite
}

// chooser is one look at a project.
type chooser struct {
	tree    *checkout.Tree
	options Options
	config  config
	files   []file // those that may hold tests, by path
	suite   Suite
}

func look(t *checkout.Tree, o Options) *chooser {
	return &chooser{tree: t, options: o, config: readConfig(t), files: candidates(t)}
}

// command is a run in a folder of the project, with further folders of the project on the path.
func (c *chooser) command(dir string, argv, searched []string) checkout.Command {
	run := checkout.Command{Argv: argv}
	if dir != "." {
		run.Dir = dir
	}
	var absolute []string
	for _, s := range searched {
		absolute = append(absolute, path.Join(c.options.Root, c.options.Dir, s))
	}
	if len(absolute) > 0 {
		run.Env = []string{"PYTHONPATH=" + strings.Join(absolute, ":")}
	}
	return run
}

// leave names the files that look like tests and are not among those that run.
func (c *chooser) leave(run []file, reason func(file) string) {
	runs := map[string]bool{}
	for _, f := range run {
		runs[f.path] = true
	}
	for _, f := range c.files {
		if f.looksLikeTest() && !runs[f.path] && f.holdsTests() {
			c.suite.Left = append(c.suite.Left, Left{Path: f.path, Reason: reason(f)})
		}
	}
}
