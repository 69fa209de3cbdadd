package python

import (
	"path"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/declared"
	"vivarium/pipeline/python/requirement"
	"vivarium/pipeline/reason"
	"vivarium/sandbox"
)

// know gathers what helps to say why a test fails. whole is the checkout, t the project's folder.
func (p *Plan) know(whole, t *checkout.Tree) {
	in := p.installation
	k := reason.Known{
		Root: sandbox.Workspace, Dir: p.Dir, Paths: whole.Paths, Has: whole.Exists, Ignore: map[string][]byte{},
		Wanted: map[string]bool{}, Declared: map[string]string{}, Image: p.Image.Name, History: p.History != "",
		IndexOpen: p.IndexOpen,
	}
	for _, file := range whole.Paths {
		if path.Base(file) != gitignore {
			continue
		}
		if data, ok := whole.Read(file); ok {
			k.Ignore[file] = data
		}
	}
	for _, q := range in.all() {
		k.Wanted[q.Name] = true
	}
	switch {
	case len(in.files) > 0:
		k.Installs = path.Join(p.Dir, in.files[0])
	case in.root != "" || len(in.single) > 0:
		k.Installs = path.Join(p.Dir, in.project.DependenciesFile())
	}
	in.declares(t, k.Declared)
	p.Known = k
}

const gitignore = ".gitignore"

// declares names, by normalized names, where projects are declared that nobody asks pip for.
func (in *installation) declares(t *checkout.Tree, where map[string]string) {
	add := func(all []requirement.Requirement, by string) {
		for _, q := range all {
			if _, known := where[q.Name]; !known && q.Name != "" {
				where[q.Name] = by
			}
		}
	}
	add(in.project.Dependencies.Requirements, in.project.Dependencies.File)
	add(in.project.Own, in.project.DependenciesFile())
	for _, g := range in.project.Groups {
		add(g.Requirements, g.String())
	}
	for _, file := range declared.RequirementsFiles(t).Companions {
		add(requirement.Read(t, file).Requirements, file)
	}
}
