package python

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheOnlySubfolderWithAProjectIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		dir   string
	}{
		"the only one": {
			map[string]string{"README.md": "", "server/requirements.txt": "six", "docs/requirements.txt": "x"},
			"server",
		},
		"a Django project":         {map[string]string{"site/manage.py": ""}, "site"},
		"deeper":                   {map[string]string{"code/app/setup.py": ""}, "code/app"},
		"the root has one as well": {map[string]string{"Pipfile": "", "server/requirements.txt": "six"}, ""},
		"the root has tests":       {map[string]string{"tests/test_a.py": "", "server/requirements.txt": "six"}, ""},
		"the root has a test":      {map[string]string{"calc_test.py": "", "server/requirements.txt": "six"}, ""},
		"homework":                 {map[string]string{"hw1/test_a.py": "", "hw2/test_b.py": ""}, ""},
		"tools at the root": {
			map[string]string{"pyproject.toml": "[tool.black]\nx=1", "server/setup.py": ""},
			"server",
		},
		"an environment": {
			map[string]string{"venv/pyvenv.cfg": "", "venv/x/setup.py": "", "server/setup.py": ""},
			"server",
		},
		"configured": {
			map[string]string{
				"pyproject.toml": "[tool.vivarium]\nworkdir='b/c/'",
				"a/setup.py":     "",
				"b/c/setup.py":   "",
			},
			"b/c",
		},
	} {
		plan := detect(t, c.files)
		if plan.Dir != c.dir {
			t.Errorf("%s: got %q, want %q", name, plan.Dir, c.dir)
		}
		for _, command := range slices.Concat(plan.Install, plan.Lint, plan.Test) {
			if command.Dir != c.dir {
				t.Errorf("%s: %s runs in %q", name, Line(command), command.Dir)
			}
		}
		if c.dir != "" && !strings.Contains(plan.Text(), "folder       "+c.dir+": ") {
			t.Errorf("%s: the plan does not say where:\n%s", name, plan.Text())
		}
	}
}

func TestDetectRefusesToGuessAmongSeveralFolders(t *testing.T) {
	e := detectError(t, map[string]string{"lab1/requirements.txt": "", "lab2/setup.py": ""})
	if !strings.Contains(e.Problem, "lab1, lab2") || !strings.Contains(e.Advice, `workdir = "lab1"`) {
		t.Errorf("got %v", e)
	}
}

func TestAWorkdirThatIsNoFolderIsAMistake(t *testing.T) {
	for _, workdir := range []string{"nowhere", "pyproject.toml", "../x", "/etc"} {
		detectError(t, map[string]string{"pyproject.toml": "[tool.vivarium]\nworkdir='" + workdir + "'"})
	}
}

func TestASubfoldersOwnPyprojectCounts(t *testing.T) {
	plan := detect(t, map[string]string{"app/pyproject.toml": "[project]\nname='x'\n[tool.vivarium]\ntimeout='1m'"})
	if plan.Dir != "app" || plan.Limits.Timeout != time.Minute {
		t.Errorf("got %q, %s", plan.Dir, plan.Limits.Timeout)
	}
	e := detectError(t, map[string]string{"lab/pyproject.toml": "[project"})
	if e.File != "lab/pyproject.toml" {
		t.Errorf("a broken one is named as %s", e.File)
	}
}
