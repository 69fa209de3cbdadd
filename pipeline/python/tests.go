package python

import (
	"fmt"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/suite"
	"vivarium/sandbox"
)

// mostNotRun bounds how many files that are not run the plan names.
const mostNotRun = 20

// chooseTests decides what is run, and has pytest installed where that is needed.
func (p *Plan) chooseTests(t *checkout.Tree, conf config, in *installation, o Options) {
	var s suite.Suite
	if conf.tests {
		s = suite.ByOwn(conf.test, conf.by("test"))
		if conf.fixed.Fixes("test") {
			s.Program = suite.Fixed
		}
	} else {
		s = p.suite(t, in)
	}
	p.Test, p.TestProgram, p.TestWhy, p.NotRun = conf.withEnv("test", s.Runs), s.Program, s.Why, s.Left
	p.Running = conf.running
	if len(p.Test) == 0 && len(s.Left) > 0 {
		p.TestWhy = s.Left[0].Path + " is not run: " + s.Left[0].Reason + "; " + p.TestWhy
	}
	if s.NeedsPytest != "" && in.own == nil && !in.has("pytest") {
		p.undeclaredPytest(s, in, o.DeclaredPytest && s.Program != suite.Fixed)
	}
}

func (p *Plan) suite(t *checkout.Tree, in *installation) suite.Suite {
	return suite.Choose(t, suite.Options{
		Python:    EnvPython,
		Root:      sandbox.Workspace,
		Dir:       p.Dir,
		Installed: in.root != "" || in.own != nil,
	})
}

// undeclaredPytest adds pytest, as GitHub's own starter workflow does, unless the operator has only
// what is declared.
func (p *Plan) undeclaredPytest(s suite.Suite, in *installation, refuse bool) {
	const declare = "declare it, such as in requirements-dev.txt or in a dependency group named test"
	if refuse {
		p.Test = nil
		p.TestWhy = fmt.Sprintf("pytest is needed (%s) and declared nowhere, and this server adds nothing: %s",
			s.NeedsPytest, declare)
		return
	}
	in.add("pytest", "pytest, which is declared nowhere")
	p.Remarks = append(p.Remarks, fmt.Sprintf("pytest is declared nowhere and was added, since %s: %s",
		s.NeedsPytest, declare))
}
