package declared

import (
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline/python/checkout"
	"vivarium/sandbox"
)

func project(t *testing.T, files map[string]string) Project {
	t.Helper()
	s := sandbox.Survey{Contents: map[string][]byte{}}
	for p, text := range files {
		s.Files = append(s.Files, sandbox.File{Path: p, Size: int64(len(text))})
		s.Contents[p] = []byte(text)
	}
	tree := checkout.New(s)
	doc, err := Open(tree)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Read(tree, doc)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPoetrysVersionsAreThoseOfPEP440(t *testing.T) {
	for said, want := range map[string]string{
		"^1.2.3": ">=1.2.3,<2", "^0.2.3": ">=0.2.3,<0.3", "^0.0.3": ">=0.0.3,<0.0.4", "^0": ">=0,<1", "^1": ">=1,<2",
		"~1.2.3": ">=1.2.3,<1.3", "~1.2": ">=1.2,<1.3", "~1": ">=1,<2", "1.2.3": "==1.2.3", "1.2.*": "==1.2.*", "*": "",
		">=1.2,<2": ">=1.2,<2", ">= 1.2, < 2": ">=1.2,<2", "!=1.5": "!=1.5", "~=1.2": "~=1.2", "^1.2,!=1.5": ">=1.2,<2,!=1.5",
		"": "", "^1.0 || ^2.0": "", "^2.0b1": ">=2.0b1,<3",
	} {
		if got := poetryVersion(said); got != want {
			t.Errorf("%s: got %q, want %q", said, got, want)
		}
	}
	if got := poetrySets("^2.7 || ^3.8"); !slices.Equal(got, []string{">=2.7,<3", ">=3.8,<4"}) {
		t.Errorf("alternatives: got %q", got)
	}
}

func TestPoetrysTablesBecomeRequirements(t *testing.T) {
	p := project(t, map[string]string{"pyproject.toml": `
[tool.poetry]
package-mode = false
[tool.poetry.dependencies]
python = ">=3.9,<4"
a = { version = "^1.0", extras = ["x", "y"], python = "<3.12" }
b = { git = "https://h/b.git", rev = "abc" }
c = { path = "../c" }
d = { url = "https://h/d.whl" }
e = { version = "1", optional = true }
f = [ { version = "1.0", platform = "linux" }, { version = "2.0", markers = "os_name == 'nt'" } ]
g = "*"
`})
	want := []string{
		`a[x,y]>=1.0,<2; python_full_version < "3.12"`, "b @ git+https://h/b.git@abc", "../c", "d @ https://h/d.whl",
		`f==1.0; sys_platform == "linux"`, `f==2.0; (os_name == 'nt')`, "g",
	}
	if got := textsOf(p.Dependencies); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(p.Wishes) != 1 || p.Wishes[0].Text != ">=3.9,<4" || p.Requires != "" {
		t.Errorf("wishes %+v, requires %q", p.Wishes, p.Requires)
	}
}

func textsOf(g Group) []string {
	var all []string
	for _, q := range g.Requirements {
		all = append(all, q.Text)
	}
	return all
}

func TestGroupsOfPEP735AreResolved(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
		note string
	}{
		"included":      {"test=['a', '--pre', {include-group='x'}]\nx=['b']", []string{"a", "b"}, ""},
		"names are one": {"test=[{include-group='My_Group'}]\n'my.group'=['b']", []string{"b"}, ""},
		"twice": {
			"test=[{include-group='x'}, {include-group='y'}]\nx=['b']\ny=[{include-group='x'}, 'c']",
			[]string{"b", "c"},
			"",
		},
		"a circle": {
			"test=['a', {include-group='x'}]\nx=['b', {include-group='test'}]",
			[]string{"a", "b"},
			"test includes itself",
		},
		"what is not":    {"test=['a', {include-group='x'}]", []string{"a"}, `a group "x" that is not there`},
		"no test's name": {"lint=['a']", nil, ""},
	} {
		p := project(t, map[string]string{"pyproject.toml": "[dependency-groups]\n" + c.text})
		g, _, _ := p.TestGroup()
		if got := textsOf(g); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
			t.Errorf("%s: notes %q", name, notes)
		}
	}
}

func TestTheMostTellingGroupIsTaken(t *testing.T) {
	p := project(t, map[string]string{
		"pyproject.toml": "[build-system]\n[project]\nname='x'\n[project.optional-dependencies]\ndev=['e']\n" +
			"[dependency-groups]\ndev=['g']\nTesting=['t']\n",
		"tox.ini": "[testenv]\ndeps=pytest\n",
	})
	g, others, ok := p.TestGroup()
	if !ok || g.Name != "test" || g.File != "tox.ini" {
		t.Errorf("got %+v", g)
	}
	var names []string
	for _, o := range others {
		names = append(names, o.String())
	}
	want := []string{
		"[dependency-groups] Testing of pyproject.toml", "its extra dev", "[dependency-groups] dev of pyproject.toml",
	}
	if !slices.Equal(names, want) {
		t.Errorf("passed over: %q, want %q", names, want)
	}
}

func TestSetupPyIsReadAndNotRun(t *testing.T) {
	p := project(t, map[string]string{"setup.py": `
import os
from setuptools import setup
extras_require = {
    # 'no': ['no'],
    'test': ["mock>=1", 'six'] + OTHERS,
    "docs": [],
}
setup(name='x', python_requires = ">=3.9", install_requires=['a', "b"], extras_require=extras_require)
`})
	g, _, ok := p.TestGroup()
	if !ok || !g.Extra || !slices.Equal(textsOf(g), []string{"mock>=1", "six"}) {
		t.Errorf("got %+v", g)
	}
	if p.Requires != ">=3.9" || p.RequiresFile != "setup.py" || p.Package == "" {
		t.Errorf("got %+v", p)
	}
	if got := textsOf(Group{Requirements: p.Own}); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("it depends on %q", got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("[dependency-groups]\na=[{include-group='a'}]", "[options]\ninstall_requires=a",
		"extras_require={'a': ['b'", "a: [")
	f.Add("[tool.poetry.dependencies]\na='^1 || ~2'", "[testenv]\ndeps=-rx", "tests_require=['a']",
		"dependencies: [a=1=py, {pip: [b]}]")
	f.Fuzz(func(t *testing.T, toml, cfg, script, conda string) {
		files := map[string]string{
			"pyproject.toml": toml, "setup.cfg": cfg, "tox.ini": cfg, "setup.py": script, "Pipfile": toml,
			"environment.yml": conda,
		}
		s := sandbox.Survey{Contents: map[string][]byte{}}
		for p, text := range files {
			s.Files = append(s.Files, sandbox.File{Path: p})
			s.Contents[p] = []byte(text)
		}
		tree := checkout.New(s)
		if doc, err := Open(tree); err == nil {
			_, _ = Read(tree, doc)
		}
	})
}
