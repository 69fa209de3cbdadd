package python

import (
	"fmt"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/declared"
	"vivarium/pipeline/python/requirement"
)

// installation is what pip is going to be asked for.
type installation struct {
	tree    *checkout.Tree
	project declared.Project

	files   []string                  // requirements files
	lists   []requirement.List        // what they hold
	spare   string                    // the one of them that is for development; empty where none is
	single  []requirement.Requirement // what stands in no requirements file
	group   []requirement.Requirement // what a list for development names
	left    []string                  // names of what is left out of what is for development
	locked  declared.Lock             // whose versions are constraints
	letGo   int                       // how often some of them were let go
	root    string                    // the project itself, such as .[test]; empty where it is not installed
	noDeps  bool                      // root without its dependencies
	own     []checkout.Command        // the repository's own, in place of all that
	why     []string
	passed  []string                  // what was passed over
	known   []requirement.Requirement // what pip reads by itself of the project
	refused string                    // why none of it can be installed
	open    openHosts                 // the operator's
	sources Sources                   // on these hosts, that pip is going to need
	env     []string                  // of the repository's own
	notes   []string
	remarks []string
}

// chooseInstall decides what pip installs: the first of these that there is. Where there is a
// requirements.txt, it decides which dependencies there are, even beside an installable project, as
// it does for everybody who types `pip install -r requirements.txt`.
//
// In a src layout that is not enough: the tests import the project, and nothing puts src on the
// path. There the project itself is installed too, but without its dependencies. A flat layout is
// importable from the root as it is.
//
// A project is always installed editable, so that its tests import the checkout and not a copy of it.
func chooseInstall(t *checkout.Tree, p declared.Project, conf config, open openHosts) *installation {
	in := &installation{tree: t, project: p, env: conf.env, notes: p.Notes, open: open}
	files := declared.RequirementsFiles(t)
	switch {
	case conf.installs:
		in.own = conf.withEnv("install", conf.install)
		in.because("%s", conf.by("install"))
		in.passed = slices.Concat(nonEmpty(files.Main), files.Companions)
		return in
	case files.Main != "":
		in.fromFile(files)
	case p.Package != "":
		in.because("the project is installable: %s", p.Package)
		in.root = "."
	case p.Application != "":
		in.because("what the project depends on, and not the project: %s", p.Application)
		in.single = in.take(p.Dependencies)
	case len(files.Companions) == 0:
		in.because("nothing to install: no requirements.txt and no installable project")
	}
	in.forTests(files)
	in.lock()
	in.passOver()
	in.look()
	in.noteSystem()
	return in
}

// because adds a reason to the plan's line.
func (in *installation) because(format string, args ...any) {
	in.why = append(in.why, fmt.Sprintf(format, args...))
}

// fromFile takes the requirements.txt and, where the tests need it, the project itself.
func (in *installation) fromFile(files declared.Files) {
	in.because("there is a %s", files.Main)
	if files.Misspelt {
		in.remarks = append(in.remarks, fmt.Sprintf("%s was taken for requirements.txt: rename it", files.Main))
	}
	list := in.takeFile(files.Main)
	switch {
	case in.project.Package == "" || list.InstallsRoot():
	case declared.SrcLayout(in.tree):
		in.because("and the project itself, without its dependencies, since its code is in src")
		in.root, in.noDeps = ".", true
	default:
		in.notes = append(in.notes, fmt.Sprintf("the project itself is not installed (%s): %s decides; add a line `.` "+
			"to it to have it installed", in.project.Package, files.Main))
	}
	if deps := in.project.Dependencies; len(deps.Requirements) > 0 && !slices.Contains(in.project.Managers, deps.File) {
		in.passed = append(in.passed, deps.String())
	}
}

// forTests takes what the tests need: the first companion of requirements.txt, else the first group
// of the project that is named for them.
func (in *installation) forTests(files declared.Files) {
	group, others, found := in.project.TestGroup()
	if len(files.Companions) > 0 {
		in.because("for the tests %s", files.Companions[0])
		in.spare = files.Companions[0]
		list := in.takeFile(in.spare)
		if list.InstallsRoot() && !in.noDeps {
			in.root = ""
		}
		in.passed = append(in.passed, files.Companions[1:]...)
		if found {
			in.passed = append(in.passed, group.String())
		}
		return
	}
	if !found {
		return
	}
	for _, g := range others {
		in.passed = append(in.passed, g.String())
	}
	in.because("for the tests %s", group)
	if group.Extra && in.root != "" && !in.noDeps {
		in.root += "[" + group.Name + "]"
		in.known = append(in.known, group.Requirements...)
		return
	}
	in.group = in.take(group)
}

// passOver names the files of other tools that are not followed.
func (in *installation) passOver() {
	for _, file := range in.project.Managers {
		if in.project.Dependencies.File != file || len(in.files) > 0 {
			in.passed = append(in.passed, file)
		}
	}
	in.known = append(in.known, in.project.Own...)
}

func (in *installation) takeFile(file string) requirement.List {
	list := requirement.Read(in.tree, file)
	if _, known := in.tree.Read(file); known && len(list.Requirements)+len(list.Options) == 0 && len(list.Files) == 1 {
		in.because("%s names nothing to install", file)
		return list
	}
	in.files = append(in.files, file)
	in.lists = append(in.lists, list)
	return list
}

// take gives a group's requirements. What names the project itself is the project with its extras.
func (in *installation) take(g declared.Group) (all []requirement.Requirement) {
	for _, q := range g.Requirements {
		_, extras, _ := strings.Cut(q.Text, "[")
		extras, _, more := strings.Cut(extras, "]")
		switch {
		case q.Name == "" || q.Name != in.project.Name:
			all = append(all, q)
		case more && in.root != "":
			in.root = "." + "[" + extras + "]"
		}
	}
	return all
}

// add asks for one more package, in the same call of pip.
func (in *installation) add(name, why string) {
	in.single = append(in.single, requirement.Parse(name))
	in.because("%s", why)
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// pip is the beginning of each of pip's command lines.
var pip = []string{EnvPython, "-I", "-u", "-m", "pip", "install"}

// commands are pip's command lines. It is one call, so that pip sees what contradicts itself, but for
// two kinds of thing that pip cannot take along: the project without its dependencies, and whatever
// has no hash beside what must have one.
func (in *installation) commands() []checkout.Command {
	if in.own != nil || in.refused != "" {
		return in.own
	}
	var commands []checkout.Command
	for _, call := range in.calls() {
		if len(call) > 0 {
			commands = append(commands, checkout.Command{Argv: slices.Concat(pip, call), Env: in.env})
		}
	}
	return commands
}

// calls are the arguments of the calls, in their order. A call without any is left out.
func (in *installation) calls() [][]string {
	hashed, args := in.filesApart()
	for _, q := range in.single {
		args = append(args, argument(q)...)
	}
	args = append(args, in.withoutLeft(in.group)...)
	var alone []string
	switch {
	case in.root == "":
	case in.noDeps:
		alone = []string{"--no-deps", "-e", in.root}
	default:
		args = append(args, "-e", in.root)
	}
	if len(in.locked.Versions) > 0 && len(args) > 0 {
		args = append([]string{"-c", in.constraintsFile()}, args...)
	}
	return [][]string{hashed, args, alone}
}

// filesApart are the arguments for the requirements files that have hashes, and for all others.
func (in *installation) filesApart() (hashed, others []string) {
	for i, file := range in.files {
		switch {
		case !in.lists[i].Hashed():
			others = append(others, in.arguments(i)...)
		case namesPlaces(in.lists[i]):
			hashed = append(hashed, in.optionsOf(i)...)
		default:
			hashed = append(hashed, "-r", file)
		}
	}
	if in.hashedCopy() != "" {
		hashed = append(hashed, "-r", copyFile)
	}
	return hashed, others
}

func argument(q requirement.Requirement) []string {
	if q.Editable {
		return []string{"-e", q.Text}
	}
	return []string{q.Text}
}

// declaring are files that declare what a project needs, besides requirements files.
var declaring = []string{
	"Pipfile", "environment.yaml", "environment.yml", pyproject, "setup.cfg", "setup.py", "tox.ini",
}

// projectFiles are those of the declaring files that there are, by path.
func (in *installation) projectFiles() map[string][]byte {
	files := map[string][]byte{}
	for _, file := range declaring {
		if data, ok := in.tree.Read(file); ok {
			files[file] = data
		}
	}
	return files
}
