package declared

import (
	"fmt"
	"strings"

	"vivarium/pipeline/python/requirement"
)

// groups are the lists for development that package managers keep in pyproject.toml.
func (r *reader) groups() {
	r.dependencyGroups()
	r.poetryGroups()
	pdm := table(r.doc, "tool", "pdm", "dev-dependencies")
	for _, name := range keys(pdm) {
		r.group(name, pyproject, "[tool.pdm.dev-dependencies] "+name, texts(pdm[name]))
	}
	if dev := texts(table(r.doc, "tool", "uv")["dev-dependencies"]); len(dev) > 0 {
		r.group("dev", pyproject, "[tool.uv] dev-dependencies", dev)
	}
	r.hatch()
}

// dependencyGroups are those of PEP 735.
func (r *reader) dependencyGroups() {
	declared := table(r.doc, "dependency-groups")
	byName := map[string]string{} // as written, by normalized name
	for _, name := range keys(declared) {
		byName[requirement.Normalize(name)] = name
	}
	room := maxExpanded
	for _, name := range keys(declared) {
		g := Group{Name: requirement.Normalize(name), File: pyproject, Table: "[dependency-groups] " + name}
		x := expansion{
			declared: declared, byName: byName, within: map[string]bool{}, done: map[string]bool{}, room: &room,
		}
		x.group(g.Name)
		g.add(x.found...)
		r.project.Groups = append(r.project.Groups, g)
		if x.trouble != "" {
			r.project.Notes = append(r.project.Notes, x.trouble)
		}
		if room < 0 {
			return
		}
	}
}

// maxExpanded bounds how many entries all groups have, with those of the groups that they include: a
// thousand groups may include a large one.
const maxExpanded = 50_000

// expansion resolves what a group includes.
type expansion struct {
	declared map[string]any
	byName   map[string]string
	within   map[string]bool // groups that are being resolved
	done     map[string]bool
	room     *int // for further entries of any group
	found    []string
	trouble  string
}

func (x *expansion) group(name string) {
	written, known := x.byName[name]
	switch {
	case !known:
		x.trouble = fmt.Sprintf("[dependency-groups] include a group %q that is not there", name)
		return
	case x.within[name]:
		x.trouble = fmt.Sprintf("[dependency-groups] %s includes itself", written)
		return
	case x.done[name]:
		return
	}
	x.within[name], x.done[name] = true, true
	defer delete(x.within, name)
	all, _ := x.declared[written].([]any)
	for _, item := range all {
		if *x.room--; *x.room < 0 {
			x.trouble = fmt.Sprintf("[dependency-groups] have more than %d entries with what they include", maxExpanded)
			return
		}
		switch item := item.(type) {
		case string:
			x.found = append(x.found, item)
		case map[string]any:
			if other := text(item, "include-group"); other != "" {
				x.group(requirement.Normalize(other))
			}
		}
	}
}

func (r *reader) poetryGroups() {
	groups := table(r.doc, "tool", "poetry", "group")
	for _, name := range keys(groups) {
		declared, _ := groups[name].(map[string]any)
		r.tableGroup(name, "[tool.poetry.group."+name+"]", table(declared, "dependencies"))
	}
	r.tableGroup("dev", "[tool.poetry.dev-dependencies]", table(r.doc, "tool", "poetry", "dev-dependencies"))
}

// tableGroup is a group that is written as a table of versions.
func (r *reader) tableGroup(name, table string, dependencies map[string]any) {
	if len(dependencies) == 0 {
		return
	}
	g := Group{Name: requirement.Normalize(name), File: pyproject, Table: table}
	g.addTable(dependencies)
	r.project.Groups = append(r.project.Groups, g)
}

// hatchTests are the environments of hatch that tests run in, as groups.
var hatchTests = map[string]string{
	"hatch-test": "test", "test": "test", "tests": "tests", "dev": "dev", "default": "dev",
}

func (r *reader) hatch() {
	envs := table(r.doc, "tool", "hatch", "envs")
	for _, name := range keys(envs) {
		env, _ := envs[name].(map[string]any)
		all := append(texts(env["dependencies"]), texts(env["extra-dependencies"])...)
		if group := hatchTests[name]; group != "" && len(all) > 0 {
			r.group(group, pyproject, "[tool.hatch.envs."+name+"]", all)
		}
	}
}

// toxDeps are lines of deps that name no requirement: a substitution, or one for some environments
// only.
func toxDeps(all []string) []string {
	var found []string
	for _, dep := range all {
		dep = strings.ReplaceAll(strings.ReplaceAll(dep, "{toxinidir}/", ""), "{tox_root}/", "")
		factor, _, conditional := strings.Cut(dep, ": ")
		if strings.ContainsAny(dep, "{}") || conditional && !strings.ContainsAny(factor, " @;") {
			continue
		}
		found = append(found, dep)
	}
	return found
}

// tox reads what tox installs for the tests.
func (r *reader) tox() {
	for _, file := range []string{"tox.ini", setupCfg, pyproject} {
		table, deps := "[testenv] deps", r.toxOf(file)
		if len(deps) == 0 {
			continue
		}
		list := requirement.ReadText(r.tree, file, strings.Join(toxDeps(deps), "\n"))
		g := Group{Name: "test", File: file, Table: table}
		for _, q := range list.Requirements {
			if !q.IsRoot() {
				g.Requirements = append(g.Requirements, q)
			}
		}
		r.project.Groups = append(r.project.Groups, g)
		return
	}
}

func (r *reader) toxOf(file string) []string {
	switch file {
	case pyproject:
		tox := table(r.doc, "tool", "tox")
		if legacy := text(tox, "legacy_tox_ini"); legacy != "" {
			return lines(iniOf(legacy)["testenv"]["deps"])
		}
		return texts(table(tox, "env_run_base")["deps"])
	case setupCfg:
		return lines(r.cfg["testenv"]["deps"])
	}
	data, _ := r.tree.Read(file)
	return lines(iniOf(string(data))["testenv"]["deps"])
}
