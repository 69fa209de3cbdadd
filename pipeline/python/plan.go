// Package python decides how a Python repository is built: which interpreter it runs on, what is
// installed, what is linted and where its tests are. It looks only at a survey of the checkout, so
// that every decision can be tested without a sandbox.
package python

import (
	"fmt"
	"strings"

	"vivarium/pipeline/limits"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/termtext"
	"vivarium/sandbox"
)

// EnvPython is the interpreter of a build's own environment.
const EnvPython = sandbox.Env + "/bin/python"

const (
	pyproject    = "pyproject.toml"
	requirements = "requirements.txt"
)

// Image is a runner image that the operator has.
type Image struct {
	Name   string // such as python-3.11
	Python string // the interpreter's version, such as 3.11.2
}

// Options are what Detect needs to know besides the repository.
type Options struct {
	Images  []Image
	Default string        // the image for a repository that asks for none
	Limits  limits.Limits // the operator's
}

// Plan is everything that a build will do, and why.
type Plan struct {
	Image       Image
	ImageReason string
	Dir         string             // the project's folder below the checkout; empty is the root
	DirWhy      string             // empty where there was nothing to choose
	Install     []checkout.Command // in order; empty when there is nothing to install
	InstallWhy  string
	PassedOver  []string // what could have been installed from, and is not
	// Requirements are the requirements files by path, in which to look up where a requirement
	// stands.
	Requirements map[string][]byte
	Lint         []checkout.Command
	Test         []checkout.Command // empty when there are no tests
	TestWhy      string             // why these tests, or why there are none
	NotFetched   []string           // submodules and LFS files
	Limits       limits.Limits
	Lowered      []string // which of the operator's limits the repository lowered
	Notes        []string // what a reader might not expect
}

// Detect makes the plan for a checkout, of which the survey holds the contents that Reads asked for.
// Its error is always a *checkout.Mistake.
func Detect(s sandbox.Survey, o Options) (Plan, error) {
	if s.Truncated {
		return Plan{}, &checkout.Mistake{
			File: "the checkout",
			Problem: fmt.Sprintf("it holds more than %d files, names that are too long together, or "+
				"folders that cannot be read", maxFiles),
			Advice: "no plan is made from a part of it: take out what is not needed",
		}
	}
	t := checkout.New(s)
	p, err := readProject(t)
	if err != nil {
		return Plan{}, err
	}
	conf, err := parseConfig(p.tool["vivarium"], o.Limits)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{Limits: conf.limits, Lowered: conf.lowered, NotFetched: notFetched(t)}
	if err := plan.chooseImage(wishOf(t, p, conf), o); err != nil {
		return Plan{}, err
	}
	plan.chooseInstall(t, p)
	lint, err := lintCommand(t, conf.limits.CPUs)
	if err != nil {
		return Plan{}, err
	}
	plan.Lint = []checkout.Command{{Argv: lint}}
	plan.chooseTests(t)
	return plan, nil
}

func (p *Plan) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// Text is the whole plan for people, one fact a line.
func (p Plan) Text() string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-12s %s\n", label, termtext.Line(fmt.Sprintf(format, args...)))
	}
	b.WriteString("Plan\n")
	line("python", "%s (image %s): %s", p.Image.Python, p.Image.Name, p.ImageReason)
	if p.Dir != "" {
		line("folder", "%s: %s", p.Dir, p.DirWhy)
	}
	install := p.InstallWhy
	if len(p.PassedOver) > 0 {
		install += "; passed over: " + strings.Join(p.PassedOver, ", ")
	}
	line("install", "%s", install)
	commands := func(label string, all []checkout.Command) {
		for _, c := range all {
			line(label, "$ %s", Line(c))
		}
	}
	commands("", p.Install)
	commands("lint", p.Lint)
	commands("test", p.Test)
	line("tests", "%s", p.TestWhy)
	for _, name := range p.NotFetched {
		line("not fetched", "%s", name)
	}
	line("limits", "%s", p.Limits)
	for _, l := range p.Lowered {
		line("", "%s", l)
	}
	for _, n := range p.Notes {
		line("note", "%s", n)
	}
	return b.String()
}
