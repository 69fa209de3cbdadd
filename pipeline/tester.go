package pipeline

import (
	"vivarium/pipeline/findings"
	"vivarium/pipeline/python"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/suite"
	"vivarium/pipeline/testreport"
	"vivarium/sandbox"
)

// tester is a program that runs tests.
type tester struct {
	name    string // for a sentence
	command string // the command, short
	reports style
	silent  bool // it need not come to a summary
}

// style is whose way of reporting a program has.
type style int

const (
	unittests style = iota
	pytests
	either
)

func testerOf(p suite.Program, c checkout.Command) tester {
	switch p {
	case suite.Pytest:
		return tester{name: "pytest", command: "python -m pytest", reports: pytests}
	case suite.Django:
		return tester{name: "Django", command: "manage.py test"}
	case suite.Own:
		line := python.Line(c)
		return tester{
			name: "the repository's own command", command: line[:min(len(line), maxOwn)], reports: either,
			silent: !suite.Reports(c),
		}
	}
	return tester{name: "unittest", command: "python -m unittest"}
}

// maxOwn bounds how much of a repository's own command stands in a sentence, in bytes.
const maxOwn = 80

// testOutput reads one stream of a tester's output.
type testOutput struct {
	report interface {
		Write(p []byte) (int, error)
		Report() testreport.Report
	}
	found interface {
		Write(p []byte) (int, error)
		List() findings.List
	}
}

func (by tester) reader(dir string) testOutput {
	pytest, unittest := &findings.Pytest{Root: sandbox.Workspace, Dir: dir}, &findings.Unittest{Root: sandbox.Workspace}
	switch by.reports {
	case pytests:
		return testOutput{&testreport.Pytest{}, pytest}
	case either:
		return testOutput{&testreport.Either{}, &findings.Either{Unittest: unittest, Pytest: pytest}}
	}
	return testOutput{&testreport.Unittest{}, unittest}
}

func (o *testOutput) write(p []byte) {
	o.report.Write(p)
	o.found.Write(p)
}
