package python

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/ini"
	"vivarium/sandbox/quantity"

	"github.com/pelletier/go-toml/v2"
)

// project is what the files at the root say about the project.
type project struct {
	tool           map[string]any
	requiresPython string
	installable    string // why pip can install the root; empty when it cannot
	setupCfgOnly   bool   // metadata only in setup.cfg, which pip does not accept
}

func readProject(t *checkout.Tree) (project, error) {
	doc, err := readPyproject(t)
	if err != nil {
		return project{}, err
	}
	p := project{}
	p.tool, _ = doc["tool"].(map[string]any)
	meta, hasMeta := doc["project"].(map[string]any)
	p.requiresPython, _ = meta["requires-python"].(string)

	cfg, _ := t.Read("setup.cfg")
	setupCfg := ini.Parse(cfg)
	if p.requiresPython == "" {
		p.requiresPython = setupCfg["options"]["python_requires"]
	}
	_, hasBuild := doc["build-system"]
	cfgMeta := len(setupCfg["metadata"]) > 0
	switch {
	case hasMeta:
		p.installable = "pyproject.toml has a [project] table"
	case hasBuild:
		p.installable = "pyproject.toml has a [build-system] table"
	case t.IsFile("setup.py"):
		p.installable = "there is a setup.py"
	case cfgMeta && t.IsFile(pyproject):
		p.installable = "setup.cfg has [metadata]"
	case cfgMeta:
		p.setupCfgOnly = true
	}
	return p, nil
}

func readPyproject(t *checkout.Tree) (map[string]any, error) {
	if !t.Exists(pyproject) {
		return nil, nil
	}
	data, ok := t.Read(pyproject)
	if !ok {
		return nil, &checkout.Mistake{
			File:    pyproject,
			Problem: "it cannot be read",
			Advice: fmt.Sprintf("make it a regular file of at most %s (all such files together: %s)",
				quantity.Bytes(maxPyproject), quantity.Bytes(maxReadAll)),
		}
	}
	return parsePyproject(data)
}

// maxPyproject bounds what is parsed, in bytes. The parser looks for each key among all keys of its
// table, so its time grows with the square (1 MiB of short keys: 5 s and more).
const maxPyproject = 256 << 10

func parsePyproject(data []byte) (map[string]any, error) {
	if len(data) > maxPyproject {
		return nil, &checkout.Mistake{
			File:    pyproject,
			Problem: fmt.Sprintf("it is larger than %s", quantity.Bytes(maxPyproject)),
			Advice:  "take out what does not have to be there",
		}
	}
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return nil, &checkout.Mistake{
			File: pyproject, Line: 1,
			Problem: "it begins with a byte order mark, which TOML does not allow",
			Advice:  `save it as "UTF-8 without BOM"`,
		}
	}
	if line, b, bad := badUTF8(data); bad {
		return nil, &checkout.Mistake{
			File: pyproject, Line: line,
			Problem: fmt.Sprintf("it is not UTF-8 (byte 0x%02x)", b),
			Advice:  "save it as UTF-8",
		}
	}
	var doc map[string]any
	err := toml.Unmarshal(data, &doc)
	if err == nil {
		return doc, nil
	}
	e := &checkout.Mistake{
		File:    pyproject,
		Problem: "it is not valid TOML: " + strings.TrimPrefix(err.Error(), "toml: "),
		Advice:  "correct that line",
	}
	if at := (*toml.DecodeError)(nil); errors.As(err, &at) {
		e.Line, _ = at.Position()
	} else {
		e.Advice = "correct it"
	}
	return nil, e
}

// badUTF8 finds the first byte that is not UTF-8, and its line.
func badUTF8(data []byte) (line int, b byte, bad bool) {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return 1 + bytes.Count(data[:i], []byte("\n")), data[i], true
		}
		i += n
	}
	return 0, 0, false
}

// chooseInstall decides what pip installs. Where there is a requirements.txt, it alone decides
// which dependencies there are, even beside an installable project, as it does for everybody who
// types `pip install -r requirements.txt`.
//
// In a src/ layout that is not enough: the tests import the project, and nothing puts src/ on the
// path. There the project itself is installed too, but without its dependencies, so that
// requirements.txt still decides. A flat layout is importable from the root as it is, and
// installing it would only test a copy.
func (p *Plan) chooseInstall(t *checkout.Tree, pr project) {
	pip := []string{EnvPython, "-I", "-u", "-m", "pip", "install"}
	install := func(args ...string) {
		p.Install = append(p.Install, checkout.Command{Argv: append(pip[:len(pip):len(pip)], args...)})
	}
	switch {
	case t.Exists(requirements):
		data, known := t.Read(requirements)
		p.Requirements = map[string][]byte{requirements: data}
		if known && !namesAnything(data) {
			p.InstallWhy = "requirements.txt names nothing to install"
		} else {
			p.InstallWhy = "there is a requirements.txt"
			install("-r", requirements)
		}
		switch {
		case pr.installable == "" || installsRoot(data):
		case srcLayout(t):
			p.InstallWhy += "; and the project itself, without its dependencies, since its code is in src/"
			install("--no-deps", ".")
		default:
			p.note("the project itself is not installed (%s): requirements.txt decides; add a line "+
				"`.` to it to have it installed", pr.installable)
		}
	case pr.installable != "":
		p.InstallWhy = "the project is installable: " + pr.installable
		install(".")
	default:
		p.InstallWhy = "nothing to install: no requirements.txt and no installable project"
	}
	if pr.setupCfgOnly {
		p.note("setup.cfg has [metadata], but pip installs a project only with a " +
			"pyproject.toml or a setup.py beside it")
	}
}

// namesAnything reports whether a requirements file has a line that is not a comment.
func namesAnything(data []byte) bool {
	for _, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		if line != "" && !strings.HasPrefix(line, "#") {
			return true
		}
	}
	return false
}

// rootRequirement is a requirements line that installs the checkout itself, such as
// `.`, `-e .[test]` or `--editable=./`.
var rootRequirement = regexp.MustCompile(
	`(?m)^\s*(?:(?:-e|--editable)[\s=]*)?["']?(?:file:)?\./?(?:\[[^\]\n]*\])?["']?\s*(?:[;#].*)?$`)

func installsRoot(data []byte) bool { return rootRequirement.Match(data) }

// srcLayout reports whether src/ holds the project's modules or packages.
func srcLayout(t *checkout.Tree) bool {
	if t.IsPackage("src") {
		return false // src is itself the package's name
	}
	for _, name := range t.List("src") {
		p := path.Join("src", name)
		if strings.HasSuffix(name, ".py") && t.IsFile(p) {
			return true
		}
		if t.IsPackage(p) {
			return true
		}
	}
	return false
}
