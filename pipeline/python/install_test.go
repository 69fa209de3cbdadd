package python

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestDetectChoosesWhatIsInstalled(t *testing.T) {
	const pip = EnvPython + " -I -u -m pip install "
	const app = "[project]\nname='x'\ndependencies=['six==1.0']\n"
	const built = "[build-system]\nrequires=[]\n"
	const pkg = built + app
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"nothing": {map[string]string{"a.py": ""}, nil},
		"requirements": {
			map[string]string{"requirements.txt": "six"},
			[]string{"-r requirements.txt"},
		},
		"requirements of comments": {map[string]string{"requirements.txt": "# none\n\n  # yet\n"}, nil},
		"requirements in UTF-16": {
			map[string]string{"requirements.txt": "\xff\xfes\x00i\x00x\x00"},
			[]string{"-r requirements.txt"},
		},
		"requirements linked": {
			map[string]string{"requirements.txt": "-> req/base.txt", "req/base.txt": "six"},
			[]string{"-r requirements.txt"},
		},
		"requirements misspelt": {map[string]string{"requirment.txt": "six"}, []string{"-r requirment.txt"}},
		"requirements in a folder": {
			map[string]string{"requirements/base.txt": "six"},
			[]string{"-r requirements/base.txt"},
		},
		"project table, no build system": {map[string]string{"pyproject.toml": app}, []string{"six==1.0"}},
		"project table and build system": {map[string]string{"pyproject.toml": pkg}, []string{"-e ."}},
		"project table and setup.py":     {map[string]string{"pyproject.toml": app, "setup.py": ""}, []string{"-e ."}},
		"build-system table alone":       {map[string]string{"pyproject.toml": built}, nil},
		"build-system table of another kind": {
			map[string]string{"pyproject.toml": "[build-system]\nrequires=['maturin']\nbuild-backend='maturin'"},
			[]string{"-e ."},
		},
		"uv, no package": {
			map[string]string{"pyproject.toml": pkg + "[tool.uv]\npackage = false"},
			[]string{"six==1.0"},
		},
		"uv, a package": {map[string]string{"pyproject.toml": app + "[tool.uv]\npackage = true"}, []string{"-e ."}},
		"Poetry, no package": {
			map[string]string{
				"pyproject.toml": built + "[tool.poetry]\npackage-mode = false\n" +
					"[tool.poetry.dependencies]\npython = '^3.11'\nsix = '^1.2'\n[tool.poetry.group.dev.dependencies]\nmock = '*'",
			},
			[]string{"'six>=1.2,<2' mock"},
		},
		"Poetry, a package with a group": {
			map[string]string{"pyproject.toml": "[build-system]\nrequires=['poetry-core']\n" +
				"build-backend='poetry.core.masonry.api'\n[tool.poetry]\nname = 'x'\n" +
				"[tool.poetry.dependencies]\nsix = '1.0'\n[tool.poetry.group.test.dependencies]\nmock = '~1.2.3'"},
			[]string{"'mock>=1.2.3,<1.3' -e ."},
		},
		"pyproject for tools only": {map[string]string{"pyproject.toml": "[tool.black]\nline-length=100"}, nil},
		"setup.py":                 {map[string]string{"setup.py": ""}, []string{"-e ."}},
		"setup.cfg beside a pyproject": {
			map[string]string{"setup.cfg": "[metadata]\nname = x", "pyproject.toml": ""},
			[]string{"-e ."},
		},
		"setup.cfg alone": {map[string]string{"setup.cfg": "[metadata]\nname = x"}, nil},
		"setup.cfg for tools only": {
			map[string]string{"setup.cfg": "[flake8]\nexclude = x", "pyproject.toml": ""},
			nil,
		},
		"an extra": {
			map[string]string{
				"pyproject.toml": pkg + "[project.optional-dependencies]\ndev=['b']\nTest=['a']\ndocs=['c']",
			},
			[]string{"-e '.[test]'"},
		},
		"an extra of setup.cfg": {
			map[string]string{
				"setup.cfg": "[metadata]\nname=x\n[options.extras_require]\ntesting =\n  a\n",
				"setup.py":  "",
			},
			[]string{"-e '.[testing]'"},
		},
		"an extra of setup.py": {
			map[string]string{"setup.py": "setup(name='x', extras_require={'docs': ['s'], 'dev': ['a', \"b>=1\"]})"},
			[]string{"-e '.[dev]'"},
		},
		"an extra of an application": {
			map[string]string{"pyproject.toml": app + "[project.optional-dependencies]\ntest=['a']"},
			[]string{"six==1.0 a"},
		},
		"a group": {
			map[string]string{"pyproject.toml": pkg + "[dependency-groups]\n" +
				"dev=['b', {include-group='Lint_Tools'}, {include-group='dev'}]\nlint-tools=['c', 'x[cli]']"},
			[]string{"b c -e '.[cli]'"},
		},
		"a group of PDM": {
			map[string]string{"pyproject.toml": pkg + "[tool.pdm.dev-dependencies]\ntest=['a']"},
			[]string{"a -e ."},
		},
		"a group of uv": {
			map[string]string{"pyproject.toml": app + "[tool.uv]\ndev-dependencies=['a']"},
			[]string{"six==1.0 a"},
		},
		"an environment of hatch": {
			map[string]string{"pyproject.toml": pkg + "[tool.hatch.envs.hatch-test]\nextra-dependencies=['a']"},
			[]string{"a -e ."},
		},
		"tox": {
			map[string]string{
				"setup.py": "",
				"tox.ini":  "[testenv]\ndeps =\n    mock\n    py27: old\n    -r{toxinidir}/more.txt\n    .\n    {posargs}\n",
				"more.txt": "six",
			},
			[]string{"mock six -e ."},
		},
		"tests_require": {
			map[string]string{"setup.py": "setup(\n  tests_require=['mock'],\n)"},
			[]string{"mock -e ."},
		},
		"Pipenv": {
			map[string]string{
				"Pipfile": "[packages]\nsix = '==1.0'\n[dev-packages]\nmock = {version = '*', extras = ['a']}",
			},
			[]string{"six==1.0 'mock[a]'"},
		},
		"conda": {
			map[string]string{
				"environment.yml": "name: x\ndependencies:\n - python=3.9\n - conda-forge::numpy=1.21\n - pip\n" +
					" - libgcc=1.0\n - six>=1\n - pip:\n   - mock==1.0\n",
			},
			[]string{"'numpy==1.21.*' 'six>=1' mock==1.0"},
		},
		"a companion": {
			map[string]string{"requirements.txt": "six", "requirements-test.txt": "a", "requirements_dev.txt": "b"},
			[]string{"-r requirements.txt -r requirements_dev.txt"},
		},
		"a companion in a folder": {
			map[string]string{"requirements.txt": "six", "requirements/test.txt": "a"},
			[]string{"-r requirements.txt -r requirements/test.txt"},
		},
		"a companion in the tests' folder": {
			map[string]string{"requirements.txt": "six", "tests/requirements.txt": "a"},
			[]string{"-r requirements.txt -r tests/requirements.txt"},
		},
		"a companion and a package": {
			map[string]string{"setup.py": "", "test-requirements.txt": "a"},
			[]string{"-r test-requirements.txt -e ."},
		},
		"a companion that installs the package": {
			map[string]string{"setup.py": "", "requirements-dev.txt": "a\n-e .[x]"},
			[]string{"-r requirements-dev.txt"},
		},
		"a companion alone": {map[string]string{"requirements-dev.txt": "a"}, []string{"-r requirements-dev.txt"}},
		"requirements and a group": {
			map[string]string{"requirements.txt": "six", "pyproject.toml": "[dependency-groups]\ndev=['a']"},
			[]string{"-r requirements.txt a"},
		},
		"both, flat": {
			map[string]string{"requirements.txt": "six", "setup.py": "", "pkg/__init__.py": ""},
			[]string{"-r requirements.txt"},
		},
		"both, src": {
			map[string]string{"requirements.txt": "six", "setup.py": "", "src/pkg/__init__.py": ""},
			[]string{"-r requirements.txt", "--no-deps -e ."},
		},
		"both, src with a module": {
			map[string]string{"requirements.txt": "six", "setup.py": "", "src/mod.py": ""},
			[]string{"-r requirements.txt", "--no-deps -e ."},
		},
		"both, src is itself a package": {
			map[string]string{
				"requirements.txt":    "six",
				"setup.py":            "",
				"src/__init__.py":     "",
				"src/pkg/__init__.py": "",
			},
			[]string{"-r requirements.txt"},
		},
		"both, src, empty requirements": {
			map[string]string{"requirements.txt": "", "setup.py": "", "src/pkg/__init__.py": ""},
			[]string{"--no-deps -e ."},
		},
		"both, src, installs itself": {
			map[string]string{"requirements.txt": "six\n-e .[test]\n", "setup.py": "", "src/pkg/__init__.py": ""},
			[]string{"-r requirements.txt"},
		},
		"hashes": {
			map[string]string{"requirements.txt": "six==1 --hash=sha256:00\n", "requirements-dev.txt": "a"},
			[]string{"-r requirements.txt", "-r requirements-dev.txt"},
		},
		"the standard index by its name": {
			map[string]string{
				"requirements.txt": "-i https://pypi.org/simple\n-c bounds.txt\nsix==1 # us\n-e ./lib\n",
			},
			[]string{"-c bounds.txt six==1 -e ./lib"},
		},
		"configured": {
			map[string]string{
				"requirements.txt": "six",
				"pyproject.toml":   "[tool.vivarium]\ninstall = ['pip install a', 'make lib']",
			},
			[]string{"/bin/sh -ec 'pip install a'", "/bin/sh -ec 'make lib'"},
		},
		"configured to nothing": {
			map[string]string{"requirements.txt": "six", "pyproject.toml": "[tool.vivarium]\ninstall = []"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan := detect(t, c.files)
			var got []string
			for _, c := range plan.Install {
				got = append(got, strings.TrimPrefix(Line(c), pip))
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if plan.InstallWhy == "" || plan.Refused != "" {
				t.Errorf("why: %q; refused: %q", plan.InstallWhy, plan.Refused)
			}
		})
	}
}

func TestWhatIsPassedOverStandsInThePlan(t *testing.T) {
	plan := detect(t, map[string]string{
		"requirements.txt":      "six",
		"requirements-dev.txt":  "a",
		"requirements-test.txt": "b",
		"Pipfile":               "[packages]\nsix='*'",
		"environment.yml":       "dependencies: [six]",
		"pyproject.toml":        "[dependency-groups]\ndev=['c']",
	})
	for _, want := range []string{
		"requirements-test.txt", "[dependency-groups] dev of pyproject.toml", "Pipfile", "environment.yml",
	} {
		if !slices.Contains(plan.PassedOver, want) {
			t.Errorf("%q does not name %s", plan.PassedOver, want)
		}
	}
	if line := strings.SplitN(plan.Text(), "\n", 4)[2]; !strings.Contains(line, "passed over: requirements-test.txt, ") {
		t.Errorf("the plan's line does not say so: %s", line)
	}
}

func TestWhatTheOperatingSystemIsAskedForIsNoted(t *testing.T) {
	plan := detect(t, map[string]string{
		"requirements.txt": "psycopg2==2.9\nsix\n", "apt.txt": "libpq-dev", "Aptfile": "x",
		"requirements-dev.txt": "GDAL\n",
	})
	notes := strings.Join(plan.Notes, "\n")
	for _, want := range []string{
		"apt.txt names packages",
		"Aptfile names packages",
		"psycopg2 needs",
		"libpq",
		"gdal needs",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q does not say %s", notes, want)
		}
	}
	if strings.Contains(notes, "six") {
		t.Errorf("what needs nothing is noted: %q", notes)
	}
}

func TestWhatNoBuildReachesIsRefusedByItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"six\nhelper @ git+ssh://git@example.org/a/b.git": "requirements.txt:2: git+ssh://git@example.org/a/b.git is " +
			"not open",
		"-e git+https://example.org/a.git#egg=a":      "requirements.txt:1: git+https://example.org/a.git#egg=a is not",
		"https://example.org/a.whl":                   "requirements.txt:1: https://example.org/a.whl is not open",
		"-f https://example.org/a.html\nsix":          "requirements.txt:1: --find-links of example.org is not",
		"--index-url=https://me:secret@example.org/s": "requirements.txt:1: --index-url of example.org is not open",
		"--extra-index-url https://example.org/s":     "requirements.txt:1: --extra-index-url of example.org is not",
		"a @ file:///C:/work/a":                       "requirements.txt:1: file:///C:/work/a is a path of the machine",
		"/home/me/a.whl":                              "requirements.txt:1: /home/me/a.whl is a path of the machine",
		"six\n# Ren\xe9\n":                            "requirements.txt:2: it is not UTF-8",
		"-r more.txt":                                 "more.txt:1: git+https://example.org/b is not open",
	} {
		plan := detect(t, map[string]string{"requirements.txt": text, "more.txt": "git+https://example.org/b"})
		if !strings.HasPrefix(plan.Refused, want) || len(plan.Install) != 0 {
			t.Errorf("%q: got %q and %q, want %q", text, plan.Refused, plan.Install, want)
		}
		if strings.Contains(plan.Text(), "secret") {
			t.Errorf("the plan shows a password:\n%s", plan.Text())
		}
	}
	for _, text := range []string{"-f ./wheels\nsix", "./lib", "lib/a.whl", "a @ ./lib", "six # git+ssh://x"} {
		if plan := detect(t, map[string]string{
			"requirements.txt": text,
		}); plan.Refused != "" || len(plan.Install) == 0 {
			t.Errorf("control %q: %q", text, plan.Refused)
		}
	}
}

func TestDetectNotesAProjectThatPipRefuses(t *testing.T) {
	plan := detect(t, map[string]string{"setup.cfg": "[metadata]\nname = x"})
	if len(plan.Notes) != 1 || !strings.Contains(plan.Notes[0], "setup.py beside it") {
		t.Errorf("notes: %q", plan.Notes)
	}
}

func TestBrokenPyprojectNamesLineAndRemedy(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		line   int
		advice string
	}{
		"syntax":          {"[project]\nname = \"x\"\nversion = = 1\n", 3, "correct that line"},
		"duplicate table": {"[a]\n[b]\n[a]\n", 3, "correct that line"},
		"Latin-1":         {"[project]\nauthor = \"Ren\xe9\"\n", 2, "UTF-8"},
		"byte order mark": {"\ufeff[project]\n", 1, "without BOM"},
	} {
		t.Run(name, func(t *testing.T) {
			e := detectError(t, map[string]string{"pyproject.toml": c.text})
			if e.File != "pyproject.toml" || e.Line != c.line || !strings.Contains(e.Advice, c.advice) {
				t.Errorf("got %v, want line %d and advice with %q", e, c.line, c.advice)
			}
		})
	}
}

func TestUnreadablePyprojectIsNotTakenForNone(t *testing.T) {
	detectError(t, map[string]string{"pyproject.toml": "-> /etc/passwd"})
	s := survey(map[string]string{"pyproject.toml": ""})
	delete(s.Contents, "pyproject.toml") // larger than the survey asked for
	if _, err := Detect(s, options); err == nil {
		t.Error("a pyproject.toml without contents gave a plan")
	}
}

func TestPyprojectIsParsedAsFarAsItIsQuick(t *testing.T) {
	keys := func(size int) string {
		text := []byte("[a]\n")
		for i := 0; len(text) < size-20; i++ {
			text = fmt.Appendf(text, "a%d=1\n", i)
		}
		return string(text)
	}
	detect(t, map[string]string{"pyproject.toml": keys(256 << 10)})
	if e := detectError(t, map[string]string{
		"pyproject.toml": keys(1 << 20),
	}); !strings.Contains(e.Problem, "larger than 256 KiB") {
		t.Errorf("got %v", e)
	}
}
