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
func (p *Plan) chooseTests(t *checkout.Tree, in *installation) {
	s := suite.Choose(t, suite.Options{
		Python:    EnvPython,
		Root:      sandbox.Workspace,
		Dir:       p.Dir,
		Installed: in.root != "" || in.own != nil,
	})
	p.Test, p.TestProgram, p.TestWhy, p.NotRun = s.Runs, s.Program, s.Why, s.Left
	p.Notes = append(p.Notes, s.Notes...)
	if len(p.Test) == 0 && len(s.Left) > 0 {
		p.TestWhy += "; " + s.Left[0].Path + " is not run: " + s.Left[0].Reason
	}
	if s.NeedsPytest != "" && in.own == nil && !in.has("pytest") {
		in.add("pytest", "pytest, which is declared nowhere")
		p.Remarks = append(p.Remarks, fmt.Sprintf("pytest is declared nowhere and was added, since %s: declare it, "+
			"such as in requirements-dev.txt or in a group named test", s.NeedsPytest))
	}
}
