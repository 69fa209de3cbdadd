// Package declared reads what a project declares of itself: whether pip can install it, what it
// depends on, and which of that is for its tests. It reads files and runs none.
package declared

import (
	"fmt"
	"path"
	"strings"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/ini"
	"vivarium/pipeline/python/interpreter"
	"vivarium/pipeline/python/requirement"
)

// Project is what the files of one folder declare.
type Project struct {
	Name         string // normalized; empty where it is not declared
	Requires     string // requires-python
	RequiresFile string // that holds it
	Wishes       []interpreter.Wish

	Package      string                    // why pip can install the folder; empty where it cannot
	Application  string                    // why only what it depends on is installed; empty where that is not so
	Own          []requirement.Requirement // what a package depends on, as far as it can be read
	Dependencies Group                     // of what is not a package; without a name where there are none
	Groups       []Group                   // for tests and development, and the extras
	Managers     []string                  // files of other tools that also say what to install
	Notes        []string                  // what a reader might not expect
}

// DependenciesFile is the file in which a project's dependencies belong.
func (p Project) DependenciesFile() string {
	switch {
	case p.Dependencies.File != "" && p.Dependencies.Name != "":
		return p.Dependencies.File
	case p.Package == "there is a setup.py":
		return setupPy
	case p.Package == "setup.cfg has [metadata]":
		return setupCfg
	}
	return pyproject
}

// Group is a named list of requirements.
type Group struct {
	Name         string // such as test, normalized
	File         string // that declares it
	Table        string // in which it stands, such as [dependency-groups]
	Extra        bool   // pip knows it: PROJECT[NAME]
	Requirements []requirement.Requirement
}

// String names the group for people.
func (g Group) String() string {
	switch {
	case g.Extra:
		return fmt.Sprintf("its extra %s", g.Name)
	case g.Table == "":
		return g.File
	}
	return fmt.Sprintf("%s of %s", g.Table, g.File)
}

const (
	pyproject = "pyproject.toml"
	setupPy   = "setup.py"
	setupCfg  = "setup.cfg"
)

// reader collects a Project.
type reader struct {
	tree    *checkout.Tree
	doc     map[string]any // pyproject.toml
	cfg     ini.File       // setup.cfg
	script  string         // setup.py
	project Project
}

// Read reads the project at the root of a tree, whose pyproject.toml is doc. Its error is always a
// *checkout.Mistake.
func Read(t *checkout.Tree, doc Document) (Project, error) {
	cfg, _ := t.Read(setupCfg)
	script, _ := t.Read(setupPy)
	r := reader{tree: t, doc: doc, cfg: ini.Parse(cfg), script: string(script)}
	r.python()
	r.kind()
	r.extras()
	r.groups()
	if err := r.pipfile(); err != nil {
		return Project{}, err
	}
	r.conda()
	r.tox()
	r.testsRequire()
	return r.project, nil
}

// python reads what is said of the Python version, other than in files of its own.
func (r *reader) python() {
	meta := table(r.doc, "project")
	r.project.Name = requirement.Normalize(text(meta, "name"))
	for _, said := range []struct{ set, file string }{
		{text(meta, "requires-python"), pyproject},
		{r.cfg["options"]["python_requires"], setupCfg},
		{firstMatch(pythonRequires, r.script), setupPy},
	} {
		if set := strings.TrimSpace(said.set); set != "" && r.project.Requires == "" {
			r.project.Requires, r.project.RequiresFile = set, said.file
		}
	}
	if v := text(table(r.doc, "tool", "poetry", "dependencies"), "python"); v != "" {
		wish := interpreter.Wish{File: pyproject + " ([tool.poetry.dependencies])", Text: v, Sets: poetrySets(v)}
		r.project.Wishes = append(r.project.Wishes, wish)
	}
}

// kind decides whether the folder is a package or an application.
func (r *reader) kind() {
	p := &r.project
	meta, poetry := table(r.doc, "project"), table(r.doc, "tool", "poetry")
	uvPackage, uvSays := table(r.doc, "tool", "uv")["package"].(bool)
	cfgMeta := len(r.cfg["metadata"]) > 0
	_, hasBuild := r.doc["build-system"]
	hasScript := r.tree.IsFile(setupPy)
	switch {
	case poetry["package-mode"] == false:
		p.Application = "[tool.poetry] has package-mode = false"
	case uvSays && !uvPackage:
		p.Application = "[tool.uv] has package = false"
	case hasBuild && (meta != nil || poetry != nil || cfgMeta || hasScript || !r.setuptools()):
		p.Package = "pyproject.toml has a [build-system] table"
	case hasBuild:
		p.Notes = append(p.Notes, "pyproject.toml has a [build-system] table, but nothing says what the project is: "+
			"it is not installed")
	case hasScript:
		p.Package = "there is a setup.py"
	case uvPackage:
		p.Package = "[tool.uv] has package = true"
	case meta != nil:
		p.Application = "pyproject.toml has a [project] table and no [build-system]"
	case poetry != nil && len(table(poetry, "dependencies")) > 0:
		p.Application = "pyproject.toml has a [tool.poetry] table and no [build-system]"
	case cfgMeta && r.tree.IsFile(pyproject):
		p.Package = "setup.cfg has [metadata]"
	case cfgMeta:
		p.Notes = append(p.Notes, "setup.cfg has [metadata], but pip installs a project only with a "+
			"pyproject.toml or a setup.py beside it")
	}
	r.dependencies(meta, poetry)
}

// setuptools reports whether the project is built by setuptools, which needs to be told what it is.
func (r *reader) setuptools() bool {
	backend := text(table(r.doc, "build-system"), "build-backend")
	return backend == "" || strings.HasPrefix(backend, "setuptools")
}

// dependencies reads what the project depends on. For a package that is pip's to read, and known
// only as far as it is written down plainly.
func (r *reader) dependencies(meta, poetry map[string]any) {
	g := Group{Name: "dependencies", File: pyproject, Table: "[project]"}
	for _, s := range texts(meta["dependencies"]) {
		g.add(s)
	}
	if deps := table(poetry, "dependencies"); len(g.Requirements) == 0 && deps != nil {
		g.Table = "[tool.poetry.dependencies]"
		g.addTable(deps)
	}
	if r.project.Application != "" {
		r.project.Dependencies = g
		return
	}
	g.add(lines(r.cfg["options"]["install_requires"])...)
	g.add(listAfter(r.script, "install_requires")...)
	r.project.Own = g.Requirements
}

func (g *Group) add(requirements ...string) {
	for _, s := range requirements {
		if strings.HasPrefix(strings.TrimSpace(s), "-") {
			continue // on pip's command line it would be an option
		}
		q := requirement.Parse(s)
		q.File = g.File
		g.Requirements = append(g.Requirements, q)
	}
}

// extras are what pip installs by PROJECT[NAME].
func (r *reader) extras() {
	add := func(file, name string, requirements []string) {
		g := Group{Name: requirement.Normalize(name), File: file, Extra: r.project.Package != ""}
		if !g.Extra {
			g.Table = "[project.optional-dependencies] " + name
		}
		g.add(requirements...)
		r.project.Groups = append(r.project.Groups, g)
	}
	optional := table(r.doc, "project", "optional-dependencies")
	for _, name := range keys(optional) {
		add(pyproject, name, texts(optional[name]))
	}
	poetry := table(r.doc, "tool", "poetry", "extras")
	for _, name := range keys(poetry) {
		add(pyproject, name, texts(poetry[name]))
	}
	for _, name := range keys(r.cfg["options.extras_require"]) {
		add(setupCfg, name, lines(r.cfg["options.extras_require"][name]))
	}
	literal := dictOfLists(r.script, "extras_require")
	for _, name := range keys(literal) {
		add(setupPy, name, literal[name])
	}
}

// testsRequire is what `python setup.py test` installed.
func (r *reader) testsRequire() {
	if all := lines(r.cfg["options"]["tests_require"]); len(all) > 0 {
		r.group("test", setupCfg, "tests_require", all)
	}
	if all := listAfter(r.script, "tests_require"); len(all) > 0 {
		r.group("test", setupPy, "tests_require", all)
	}
}

func (r *reader) group(name, file, table string, requirements []string) {
	g := Group{Name: requirement.Normalize(name), File: file, Table: table}
	g.add(requirements...)
	r.project.Groups = append(r.project.Groups, g)
}

// testNames are the names of groups that hold what tests need, the most telling first.
var testNames = []string{"test", "tests", "testing", "dev"}

// TestGroup is the group that the tests need: the first of the usual names, and among several of one
// name the one that is declared for pip. others are those that were passed over for it.
func (p Project) TestGroup() (group Group, others []Group, ok bool) {
	var found []Group
	for _, name := range testNames {
		for _, g := range p.Groups {
			if g.Name == name {
				found = append(found, g)
			}
		}
	}
	if len(found) == 0 {
		return Group{}, nil, false
	}
	return found[0], found[1:], true
}

// BuildRequires are the names of what builds the project, normalized.
func (d Document) BuildRequires() []string {
	var names []string
	for _, s := range texts(table(d, "build-system")["requires"]) {
		names = append(names, requirement.Parse(s).Name)
	}
	return names
}

// SrcLayout reports whether src holds the project's modules or packages.
func SrcLayout(t *checkout.Tree) bool {
	if t.IsPackage("src") {
		return false // src is itself the package's name
	}
	for _, name := range t.List("src") {
		p := path.Join("src", name)
		if strings.HasSuffix(name, ".py") && t.IsFile(p) || t.IsPackage(p) {
			return true
		}
	}
	return false
}
