package python

import (
	"fmt"
	"strings"
	"testing"
)

func TestDetectChoosesWhatIsInstalled(t *testing.T) {
	const pip = EnvPython + " -I -u -m pip install "
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"nothing": {map[string]string{"a.py": ""}, nil},
		"requirements": {
			map[string]string{"requirements.txt": "six"},
			[]string{pip + "-r requirements.txt"},
		},
		"requirements of comments": {map[string]string{"requirements.txt": "# none\n\n  # yet\n"}, nil},
		"requirements in UTF-16": {
			map[string]string{"requirements.txt": "\xff\xfes\x00i\x00x\x00"},
			[]string{pip + "-r requirements.txt"},
		},
		"requirements linked": {
			map[string]string{"requirements.txt": "-> req/base.txt", "req/base.txt": "six"},
			[]string{pip + "-r requirements.txt"},
		},
		"project table": {map[string]string{"pyproject.toml": "[project]\nname='x'"}, []string{pip + "."}},
		"build-system table": {
			map[string]string{"pyproject.toml": "[build-system]\nrequires=[]"},
			[]string{pip + "."},
		},
		"pyproject for tools only": {map[string]string{"pyproject.toml": "[tool.black]\nline-length=100"}, nil},
		"setup.py":                 {map[string]string{"setup.py": ""}, []string{pip + "."}},
		"setup.cfg beside a pyproject": {
			map[string]string{"setup.cfg": "[metadata]\nname = x", "pyproject.toml": ""},
			[]string{pip + "."},
		},
		"setup.cfg alone": {map[string]string{"setup.cfg": "[metadata]\nname = x"}, nil},
		"setup.cfg for tools only": {
			map[string]string{"setup.cfg": "[flake8]\nexclude = x", "pyproject.toml": ""},
			nil,
		},
		"both, flat": {
			map[string]string{"requirements.txt": "six", "setup.py": "", "pkg/__init__.py": ""},
			[]string{pip + "-r requirements.txt"},
		},
		"both, src": {
			map[string]string{"requirements.txt": "six", "setup.py": "", "src/pkg/__init__.py": ""},
			[]string{pip + "-r requirements.txt", pip + "--no-deps ."},
		},
		"both, src with a module": {
			map[string]string{"requirements.txt": "six", "setup.py": "", "src/mod.py": ""},
			[]string{pip + "-r requirements.txt", pip + "--no-deps ."},
		},
		"both, src is itself a package": {
			map[string]string{
				"requirements.txt":    "six",
				"setup.py":            "",
				"src/__init__.py":     "",
				"src/pkg/__init__.py": "",
			},
			[]string{pip + "-r requirements.txt"},
		},
		"both, src, empty requirements": {
			map[string]string{"requirements.txt": "", "setup.py": "", "src/pkg/__init__.py": ""},
			[]string{pip + "--no-deps ."},
		},
		"both, src, installs itself": {
			map[string]string{"requirements.txt": "six\n-e .[test]\n", "setup.py": "", "src/pkg/__init__.py": ""},
			[]string{pip + "-r requirements.txt"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan := detect(t, c.files)
			var got []string
			for _, c := range plan.Install {
				got = append(got, Line(c))
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if plan.InstallWhy == "" {
				t.Error("the plan does not say why")
			}
		})
	}
}

func TestInstallsRoot(t *testing.T) {
	for line, want := range map[string]bool{
		".": true, "./": true, "-e .": true, "-e.": true, "--editable .": true, "--editable=./": true,
		".[test]": true, "-e '.[test,docs]'": true, "six\n  .  # us\n": true, "-e file:.": true,
		"six": false, "./vendor/x.whl": false, "-e ./lib": false, "# .": false, "..": false, "-r .": false,
	} {
		if got := installsRoot([]byte(line)); got != want {
			t.Errorf("%q: got %v, want %v", line, got, want)
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
	detect(t, map[string]string{"pyproject.toml": keys(maxPyproject)})
	if e := detectError(t, map[string]string{
		"pyproject.toml": keys(1 << 20),
	}); !strings.Contains(e.Problem, "larger than 256 KiB") {
		t.Errorf("got %v", e)
	}
}
