// Package python decides how a Python repository is built: which interpreter it runs on, what is
// installed, what is linted and where its tests are. It looks only at a survey of the checkout, so
// that every decision can be tested without a sandbox.
package python

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"vivarium/pipeline/fixed"
	"vivarium/pipeline/hosts"
	"vivarium/pipeline/limits"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/contract"
	"vivarium/pipeline/python/declared"
	"vivarium/pipeline/python/interpreter"
	"vivarium/pipeline/python/requirement"
	"vivarium/pipeline/python/suite"
	"vivarium/pipeline/reason"
	"vivarium/pipeline/termtext"
	"vivarium/pipeline/wanted"
	"vivarium/sandbox"
)

// EnvPython is the interpreter of a build's own environment.
const EnvPython = sandbox.Env + "/bin/python"

const pyproject = "pyproject.toml"

// Options are what Detect needs to know besides the repository.
type Options struct {
	Images  []interpreter.Image
	Default string        // the image for a repository that asks for none
	Limits  limits.Limits // the operator's
	// NoHistory says that tags and history cannot be had, as of a folder that is no repository.
	NoHistory bool
	// GitHosts and IndexHosts are the hosts from which builds may get dependencies besides the package
	// index.
	GitHosts, IndexHosts hosts.List
	// DeclaredPytest is whether pytest runs only where the repository declares it.
	DeclaredPytest bool
	// Fixed is what the operator fixes of this repository's builds, and Laid what came of the
	// repository's own files where the operator's stand. What CheckFixed refuses is a mistake.
	Fixed fixed.Part
	Laid  fixed.Laid
}

// Running is how a repository wishes its tests to be run.
type Running struct {
	TestTimeout time.Duration // for one test; 0 where it does not say
	HashSeed    string        // a number; empty where it does not say
}

// Plan is everything that a build will do, and why.
type Plan struct {
	Image       interpreter.Image
	ImageReason string
	Dir         string             // the project's folder below the checkout; empty is the root
	DirWhy      string             // empty where there was nothing to choose
	Install     []checkout.Command // in order; empty when there is nothing to install
	InstallWhy  string
	PassedOver  []string // what could have been installed from, and is not
	Refused     string   // why nothing can be installed; empty where that is not so
	Sources     Sources  // of packages, besides the configured index
	IndexOpen   bool     // the index, and those of Sources, are open to lint and test too
	IndexWhy    string   // whose setting that is
	// Requirements are the requirements files by path, in which to look up where a requirement
	// stands.
	Requirements map[string][]byte
	// ProjectFiles are other files that declare what is installed, by path, for the same.
	ProjectFiles map[string][]byte
	Lint         []checkout.Command // the contract's, on the checkout as it was cloned
	OwnLint      []checkout.Command // the repository's own besides, once the installation is made
	Test         []checkout.Command // empty when there are no tests
	TestProgram  suite.Program      // what runs them
	Running      Running            // how they are run
	NotRun       []suite.Left       // what looks like a test and is not run
	TestWhy      string             // why these tests, or why there are none
	NotFetched   []string           // submodules, LFS files, history
	History      string             // why tags and history are needed; empty where they are not
	Limits       limits.Limits
	Fixed        []string // what the operator fixed; empty where that is nothing
	Lowered      []string // which of the operator's limits the repository lowered
	Notes        []string // what a reader might not expect
	Remarks      []string // what the verdict says as well
	Known        reason.Known
	Wanted       wanted.Filter // which pushes the repository wants to be built; what the operator fixed is judged before

	installation *installation
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
	whole := checkout.New(s)
	doc, err := declared.Open(whole)
	if err != nil {
		return Plan{}, err
	}
	conf, err := configOf(doc.Vivarium(), o)
	if err != nil {
		return Plan{}, err
	}
	dir, why, err := place(whole, conf)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{DirWhy: why, NotFetched: notFetched(whole)}
	if dir != "." {
		plan.Dir = dir
	}
	t := whole.Below(dir)
	if plan.Dir != "" {
		doc, conf, err = ownSettings(t, doc, conf, o)
	}
	if err == nil {
		err = plan.detect(t, doc, conf, o)
	}
	if err != nil {
		return Plan{}, below(plan.Dir, err)
	}
	plan.below()
	plan.know(whole, t)
	return plan, nil
}

// ownSettings reads the pyproject.toml of a folder below the root. Its [tool.vivarium] counts where
// the root has none.
func ownSettings(t *checkout.Tree, root declared.Document, c config, o Options) (declared.Document, config, error) {
	doc, err := declared.Open(t)
	if err == nil && root.Vivarium() == nil {
		c, err = configOf(doc.Vivarium(), o)
	}
	return doc, c, err
}

// detect decides on the project in a tree of its own.
func (p *Plan) detect(t *checkout.Tree, doc declared.Document, conf config, o Options) error {
	project, err := declared.Read(t, doc)
	if err != nil {
		return err
	}
	p.Limits, p.Lowered, p.Notes = conf.limits, conf.lowered, conf.notes
	p.IndexOpen, p.IndexWhy = conf.index, conf.by("index")
	p.Wanted = conf.ownWanted()
	p.sayFixed(conf, o)
	if err := p.chooseImage(t, project, conf, o); err != nil {
		return err
	}
	in := chooseInstall(t, project, conf, openHosts{git: o.GitHosts, index: o.IndexHosts})
	lint, err := contract.Choose(t, conf.limits.CPUs)
	if err != nil {
		return err
	}
	p.Lint, p.OwnLint = []checkout.Command{lint.Command}, conf.withEnv("lint", conf.lint)
	p.Notes = append(p.Notes, lint.Notes...)
	p.chooseHistory(t, doc, conf, o)
	p.chooseTests(t, conf, in, o)
	p.install(in)
	if names := conf.overridden(); len(names) > 0 {
		p.Remarks = append(p.Remarks, "by the repository's own "+strings.Join(names, " and ")+" in [tool.vivarium]")
	}
	return nil
}

func (p *Plan) chooseImage(t *checkout.Tree, project declared.Project, conf config, o Options) error {
	demand := interpreter.Demand{
		Release: conf.python, By: conf.asker("python"), Requires: project.Requires, File: project.RequiresFile,
	}
	wishes := append(interpreter.Wishes(t), project.Wishes...)
	c, err := interpreter.Choose(demand, wishes, o.Images, o.Default)
	if err != nil {
		return err
	}
	p.Image, p.ImageReason = c.Image, c.Reason
	p.Notes = append(p.Notes, c.Notes...)
	p.Remarks = append(p.Remarks, nonEmpty(c.Remark)...)
	return nil
}

// chooseHistory decides whether the tags that lead to the commit are needed.
func (p *Plan) chooseHistory(t *checkout.Tree, doc declared.Document, conf config, o Options) {
	p.History = declared.VersionFromTags(t, doc)
	if conf.history {
		p.History = conf.asker("history") + " asks for them"
	}
	if o.NoHistory && p.History != "" {
		p.note("there are no tags and no history, since this is no git repository, and %s", p.History)
		p.History = ""
	}
	if p.History == "" {
		p.NotFetched = append(p.NotFetched, "tags and history")
	}
}

// install takes over what is going to be installed.
func (p *Plan) install(in *installation) {
	p.installation = in
	p.Install, p.Refused, p.PassedOver, p.Sources = in.commands(), in.refused, in.passed, in.sources
	p.InstallWhy = strings.Join(in.why, "; ")
	p.Requirements = requirement.Join(in.lists...).Files
	p.ProjectFiles = in.projectFiles()
	p.Notes = append(p.Notes, in.notes...)
	p.Remarks = append(p.Remarks, in.remarks...)
}

// below moves everything that was decided for the project's folder there.
func (p *Plan) below() {
	if p.Dir == "" {
		return
	}
	p.Install, p.Lint, p.OwnLint, p.Test = p.inDir(p.Install), p.inDir(p.Lint), p.inDir(p.OwnLint), p.inDir(p.Test)
	p.Requirements, p.ProjectFiles = p.filesInDir(p.Requirements), p.filesInDir(p.ProjectFiles)
	for i := range p.NotRun {
		p.NotRun[i].Path = path.Join(p.Dir, p.NotRun[i].Path)
	}
	if p.Refused != "" {
		p.Refused = p.Dir + "/" + p.Refused
	}
	for i := range p.Sources.Git {
		p.Sources.Git[i].Where = path.Join(p.Dir, p.Sources.Git[i].Where)
	}
	for i := range p.Sources.Indexes {
		p.Sources.Indexes[i].Where = path.Join(p.Dir, p.Sources.Indexes[i].Where)
	}
	p.note("what lies outside %s is neither installed, linted nor tested", p.Dir)
}

// inDir has commands run in the project's folder.
func (p *Plan) inDir(commands []checkout.Command) []checkout.Command {
	for i := range commands {
		commands[i].Dir = path.Join(p.Dir, commands[i].Dir)
	}
	return commands
}

// filesInDir are files by their paths from the checkout's root.
func (p *Plan) filesInDir(files map[string][]byte) map[string][]byte {
	moved := map[string][]byte{}
	for file, data := range files {
		moved[path.Join(p.Dir, file)] = data
	}
	return moved
}

// below names the file of a mistake from the checkout's root.
func below(dir string, err error) error {
	if m := (*checkout.Mistake)(nil); errors.As(err, &m) && dir != "" {
		m.File = path.Join(dir, m.File)
	}
	return err
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
	for _, text := range p.Fixed {
		line("fixed", "%s", text)
	}
	if p.Dir != "" {
		line("folder", "%s: %s", p.Dir, p.DirWhy)
	}
	install := p.InstallWhy
	if len(p.PassedOver) > 0 {
		install += "; passed over: " + strings.Join(p.PassedOver, ", ")
	}
	line("install", "%s", install)
	if p.Refused != "" {
		line("", "%s", p.Refused)
	}
	commands := func(label string, all []checkout.Command) {
		for _, c := range all {
			line(label, "$ %s", Line(c))
		}
	}
	commands("", p.Install)
	commands("lint", slices.Concat(p.Lint, p.OwnLint))
	commands("test", p.Test)
	line("tests", "%s", p.TestWhy)
	for _, l := range p.NotRun[:min(len(p.NotRun), mostNotRun)] {
		line("not run", "%s: %s", l.Path, l.Reason)
	}
	if more := len(p.NotRun) - mostNotRun; more > 0 {
		line("not run", "%s more", count(more, "file"))
	}
	if p.IndexOpen {
		line("index", "open to lint and test too: %s = true", p.IndexWhy)
	}
	if p.History != "" {
		line("history", "with tags and history: %s", p.History)
	}
	for _, name := range few(p.NotFetched) {
		line("not fetched", "%s", name)
	}
	line("limits", "%s", p.Limits)
	for _, l := range p.Lowered {
		line("", "%s", l)
	}
	for _, n := range few(slices.Concat(p.Remarks, p.Notes)) {
		line("note", "%s", n)
	}
	return b.String()
}

// mostLines bounds how many lines of one kind the plan has: its text counts for no limit of the log.
const mostLines = 50

// few are the first of many lines, and how many there are more.
func few(all []string) []string {
	if len(all) <= mostLines {
		return all
	}
	return append(slices.Clone(all[:mostLines]), fmt.Sprintf("and %d more", len(all)-mostLines))
}
