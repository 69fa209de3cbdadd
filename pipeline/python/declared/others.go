package declared

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"vivarium/pipeline/python/ini"
	"vivarium/pipeline/python/interpreter"
	"vivarium/pipeline/python/requirement"
)

func iniOf(text string) ini.File { return ini.Parse([]byte(text)) }

const pipfileName = "Pipfile"

// pipfile reads what Pipenv installs.
func (r *reader) pipfile() error {
	data, ok := r.tree.Read(pipfileName)
	if !ok || len(data) > maxOther {
		return nil
	}
	doc, err := parseTOML(pipfileName, data)
	if err != nil {
		return err
	}
	requires := table(doc, "requires")
	for _, key := range []string{"python_full_version", "python_version"} {
		if v := text(requires, key); v != "" {
			r.project.Wishes = append(r.project.Wishes, interpreter.Wish{File: pipfileName, Text: v})
			break
		}
	}
	if packages := table(doc, "packages"); len(packages) > 0 {
		g := Group{Name: "packages", File: pipfileName, Table: "[packages]"}
		g.addTable(packages)
		r.other(g)
	}
	if packages := table(doc, "dev-packages"); len(packages) > 0 {
		g := Group{Name: "dev", File: pipfileName, Table: "[dev-packages]"}
		g.addTable(packages)
		r.project.Groups = append(r.project.Groups, g)
	}
	return nil
}

// other takes the dependencies that a second tool declares, where no first one does.
func (r *reader) other(g Group) {
	r.project.Managers = append(r.project.Managers, g.File)
	if r.project.Package == "" && r.project.Dependencies.Name == "" {
		r.project.Dependencies = g
		r.project.Application = "there is a " + strings.TrimPrefix(g.File, "./")
	}
}

// environment is conda's file.
type environment struct {
	Dependencies []yaml.Node `yaml:"dependencies"`
}

// maxOther bounds what is parsed of a file, in bytes.
const maxOther = 64 << 10

// maxConda bounds how many packages are taken of an environment: any number of its entries can be
// aliases of one long list.
const maxConda = 10_000

// conda reads what conda installs, as far as the package index may have it.
func (r *reader) conda() {
	for _, file := range []string{"environment.yml", "environment.yaml"} {
		data, ok := r.tree.Read(file)
		var env environment
		if !ok || len(data) > maxOther || yaml.Unmarshal(data, &env) != nil || len(env.Dependencies) == 0 {
			continue
		}
		g := Group{Name: "dependencies", File: file}
		for _, node := range env.Dependencies {
			if len(g.Requirements) > maxConda {
				break
			}
			var spec string
			var nested struct {
				Pip []string `yaml:"pip"`
			}
			switch {
			case node.Decode(&spec) == nil:
				r.condaPackage(&g, file, spec)
			case node.Decode(&nested) == nil:
				list := requirement.ReadText(r.tree, file, strings.Join(nested.Pip, "\n"))
				g.Requirements = append(g.Requirements, list.Requirements...)
			}
		}
		r.other(g)
		return
	}
}

// condaSpec is a package as conda names it: CHANNEL::NAME, then a version, then a build.
var condaSpec = regexp.MustCompile(
	`^(?:[^\s:]+::)?([A-Za-z0-9_.-]+?)\s*(?:(==|>=|<=|!=|~=|=|>|<)\s*([^=\s]+)(?:=(\S+))?)?(?:,.*)?$`)

// notPython are packages of conda that are no packages of the index.
var notPython = []string{
	"pip", "openssl", "ca-certificates", "nodejs", "mkl", "gcc", "gxx", "make", "cmake", "sqlite", "tk", "xz", "zlib",
	"readline", "ncurses", "cudatoolkit", "nomkl", "tbb", "git", "ffmpeg", "graphviz", "icu", "freetype", "jpeg",
}

func (r *reader) condaPackage(g *Group, file, spec string) {
	m := condaSpec.FindStringSubmatch(strings.TrimSpace(spec))
	if m == nil {
		return
	}
	name, op, version, build := m[1], m[2], m[3], m[4]
	switch {
	case name == "python":
		if version == "" {
			return
		}
		w := interpreter.Wish{File: file, Text: version}
		if op != "=" && op != "==" {
			w.Text, w.Sets = op+version, []string{op + version}
		}
		r.project.Wishes = append(r.project.Wishes, w)
		return
	case slices.Contains(notPython, name), strings.HasPrefix(name, "lib"), strings.HasPrefix(name, "_"),
		build != "" && !strings.HasPrefix(build, "py"):
		return
	case name == "pytorch":
		name = "torch"
	}
	switch op {
	case "":
		g.add(name)
	case "=":
		g.add(name + "==" + strings.TrimSuffix(version, ".*") + ".*")
	default:
		g.add(name + op + version)
	}
}
