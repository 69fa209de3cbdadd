// Package tester knows the programs that run tests, and reads what they print.
package tester

import (
	"vivarium/pipeline/findings"
	"vivarium/pipeline/python"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/suite"
	"vivarium/pipeline/testreport"
	"vivarium/sandbox"
)

// Program is a program that runs tests.
type Program struct {
	Name    string // for a sentence
	Command string // the command, short
	Silent  bool   // it need not come to a summary
	reports style
}

// style is whose way of reporting a program has.
type style int

const (
	unittests style = iota
	pytests
	either
)

// Of is the program that runs a planned command.
func Of(p suite.Program, c checkout.Command) Program {
	switch p {
	case suite.Pytest:
		return Program{Name: "pytest", Command: "python -m pytest", reports: pytests}
	case suite.Django:
		return Program{Name: "Django", Command: "manage.py test"}
	case suite.Own, suite.Fixed:
		line, whose := python.Line(c), "the repository's own command"
		if p == suite.Fixed {
			whose = "the operator's command"
		}
		return Program{
			Name: whose, Command: line[:min(len(line), maxOwn)], reports: either,
			Silent: !suite.Reports(c),
		}
	}
	return Program{Name: "unittest", Command: "python -m unittest"}
}

// maxOwn bounds how much of a repository's own command stands in a sentence, in bytes.
const maxOwn = 80

// Output reads one stream of a program's output.
type Output struct {
	report interface {
		Write(p []byte) (int, error)
		Report() testreport.Report
	}
	found interface {
		Write(p []byte) (int, error)
		List() findings.List
	}
}

// Reader is for one stream of a run in a folder below the checkout.
func (by Program) Reader(dir string) Output {
	pytest, unittest := &findings.Pytest{Root: sandbox.Workspace, Dir: dir}, &findings.Unittest{Root: sandbox.Workspace}
	switch by.reports {
	case pytests:
		return Output{&testreport.Pytest{}, pytest}
	case either:
		return Output{&testreport.Either{}, &findings.Either{Unittest: unittest, Pytest: pytest}}
	}
	return Output{&testreport.Unittest{}, unittest}
}

// Write takes the next piece of the stream.
func (o *Output) Write(p []byte) {
	o.report.Write(p)
	o.found.Write(p)
}
