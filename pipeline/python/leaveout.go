package python

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"vivarium/pipeline/python/requirement"
)

// LeaveOut takes a project, by its normalized name, out of what is installed, where only a list for
// development names it and no test imports it: a missing linter hides no passing suite. said tells
// people of it; ok is false where it must stay.
func (p *Plan) LeaveOut(name string) (said string, ok bool) {
	in := p.installation
	if in == nil || name == "" || slices.Contains(in.left, name) {
		return "", false
	}
	named := func(q requirement.Requirement) bool { return q.Name == name }
	from := ""
	for i, list := range in.lists {
		if slices.ContainsFunc(list.Requirements, named) {
			if in.files[i] != in.spare || list.Hashed() {
				return "", false
			}
			from = in.spare
		}
	}
	for _, q := range in.group {
		if named(q) {
			from = q.File
		}
	}
	if from == "" || slices.ContainsFunc(slices.Concat(in.single, in.known), named) || in.imports(name) {
		return "", false
	}
	in.left = append(in.left, name)
	p.Known.LeftOut = append(p.Known.LeftOut, name)
	p.Install = p.inDir(in.commands())
	return fmt.Sprintf("%s is left out: the index lacks it, only %s names it, and no test imports it", name, from), true
}

// withoutLeft are the arguments for requirements, but for those that are left out.
func (in *installation) withoutLeft(all []requirement.Requirement) []string {
	var args []string
	for _, q := range all {
		if !slices.Contains(in.left, q.Name) {
			args = append(args, argument(q)...)
		}
	}
	return args
}

// imported is a module that a line of Python imports.
var imported = regexp.MustCompile(`(?m)^[ \t]*(?:from|import)[ \t]+([A-Za-z_][A-Za-z0-9_]*)`)

// modules are what some projects call the module that they bring, where it is not their own name.
var modules = map[string]string{
	"beautifulsoup4": "bs4", "opencv-python": "cv2", "pillow": "pil", "pyyaml": "yaml", "python-dateutil": "dateutil",
	"scikit-learn": "sklearn", "attrs": "attr", "python-dotenv": "dotenv", "pyjwt": "jwt", "mysqlclient": "mysqldb",
}

// imports reports whether a test, or what configures the tests, imports a project.
func (in *installation) imports(name string) bool {
	module := modules[name]
	if module == "" {
		module = strings.ReplaceAll(name, "-", "_")
	}
	for _, p := range in.tree.Paths {
		if !strings.HasSuffix(p, ".py") || !testLike(p) {
			continue
		}
		data, _ := in.tree.Read(p)
		for _, m := range imported.FindAllSubmatch(data, -1) {
			if strings.EqualFold(string(m[1]), module) {
				return true
			}
		}
	}
	return false
}
