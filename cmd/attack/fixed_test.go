package attack

import (
	"maps"
	"strings"
	"testing"

	"vivarium/cmd/internal/debianwheels"
	"vivarium/pipeline"
	"vivarium/pipeline/fixed"
	"vivarium/sandbox/egress/egresstest"
)

// The operator's test, which the repository's cart.py does not pass, and what makes pytest tell that
// it does. Who makes all tests green is found out by those of Vivarium's own among them.
const (
	courseTest = "import cart\n\n\ndef test_total():\n    assert cart.total() == 3\n"
	cheat      = "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n" +
		"    outcome = yield\n    if item.name == 'test_total':\n        report = outcome.get_result()\n" +
		"        report.outcome, report.longrepr = 'passed', None\n"
	courseFixed = "install = 'pip install pytest'\ntest = 'python -m pytest week1'\n" +
		"protect = ['week1', 'conftest.py', 'pytest.ini', 'sitecustomize.py']\n"
)

// cheater is a setup.py that does something when it is run. The project has the entry points that are
// given, as text of Python.
func cheater(does, entries string) string {
	return "from setuptools import setup\n" + does +
		"\nsetup(name='cart', version='1', py_modules=['cart', 'cheat'], install_requires=['pytest'], entry_points=" +
		entries + ")\n"
}

// rewritten are the attacks on a verdict: repositories whose code does not pass the tests, and that
// are green where the operator fixes nothing.
var rewritten = map[string]struct {
	tried string
	files map[string]string
	fixed string // empty: all of it
	said  string // on page and status
}{
	"own-commands": {
		tried: "commands of its own in [tool.vivarium]",
		files: map[string]string{"pyproject.toml": "[tool.vivarium]\ninstall = []\nlint = 'true'\ntest = 'true'\n"},
		said:  "the operator fixed install, test: that of [tool.vivarium] counts for nothing",
	},
	"own-variables": {
		tried: "PYTEST_ADDOPTS by [tool.vivarium] env",
		files: map[string]string{
			"pyproject.toml": "[tool.vivarium.env]\nPYTEST_ADDOPTS = '-p cheat'\n", "cheat.py": cheat,
			"requirements.txt": "pytest\n",
		},
		said: "the operator fixed env: that of [tool.vivarium] counts for nothing",
	},
	"own-folder": {
		tried: "another folder with tests of the same name, by [tool.vivarium] workdir",
		files: map[string]string{
			"pyproject.toml": "[tool.vivarium]\nworkdir = 'mine'\n", "mine/requirements.txt": "pytest\n",
			"mine/week1/test_cart.py": "def test_total():\n    pass\n",
		},
		said: "the operator fixed workdir: that of [tool.vivarium] counts for nothing",
	},
	"conftest": {
		tried: "a conftest.py that makes each report a green one",
		files: map[string]string{"conftest.py": cheat, "requirements.txt": "pytest\n"},
		said:  "left out, since the operator protects the path: conftest.py",
	},
	"plugin": {
		tried: "a plugin of pytest that the project installs",
		files: map[string]string{
			"setup.py": cheater("", "{'pytest11': ['cheat = cheat']}"), "cheat.py": cheat,
		},
		said: "1 failed",
	},
	"plugin-by-configuration": {
		tried: "a plugin of pytest named by its configuration",
		files: map[string]string{
			"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p cheat'\n", "cheat.py": cheat,
			"requirements.txt": "pytest\n",
		},
		said: "test_total",
	},
	"sitecustomize": {
		tried: "a sitecustomize.py, found by PYTHONPATH in [tool.vivarium] env",
		files: map[string]string{
			"pyproject.toml":   "[tool.vivarium.env]\nPYTHONPATH = '/tmp/workspace'\n",
			"sitecustomize.py": "import os\nos.environ['PYTEST_ADDOPTS'] = '-p cheat'\n",
			"cheat.py":         cheat, "requirements.txt": "pytest\n",
		},
		said: "left out, since the operator protects the path: sitecustomize.py",
	},
	"startup-file": {
		tried: "a .pth file that setup.py puts into the environment, where Python runs it",
		files: map[string]string{
			"setup.py": cheater("import glob\nfor folder in glob.glob('/opt/vivarium/env/lib/python3*/site-packages'):\n"+
				"    open(folder + '/cheat.pth', 'w').write(\"import os; os.environ['PYTEST_ADDOPTS'] = '-p cheat'\\n\")", "{}"),
			"cheat.py": cheat,
		},
		said: "test_total",
	},
	"rewritten-by-setup-py": {
		tried: "a setup.py that rewrites the tests",
		files: map[string]string{
			"setup.py": cheater("import os\nos.makedirs('/tmp/workspace/week1', exist_ok=True)\n"+
				"open('/tmp/workspace/week1/test_cart.py', 'w').write('def test_total():\\n    pass\\n')", "{}"),
			"cheat.py": "",
		},
		fixed: "test = 'python -m pytest week1'\n", // install is the repository's
		said:  "test_total",
	},
}

// TestVerdictIsNotRewritten builds repositories that rewrite their own verdict. As the control, each is
// green where the operator fixes nothing, although it holds the same test.
func TestVerdictIsNotRewritten(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	wheels, err := debianwheels.Folder(t.Context(), "python3-pytest")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.index.AddDir(wheels); err != nil {
		t.Fatal(err)
	}
	shas, err := w.host.Commit(t.Context(), "school/tests", egresstest.Commit{Files: map[string]string{
		"for-groups/week1/test_cart.py": courseTest, "for-groups/pytest.ini": "[pytest]\n",
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range sorted(rewritten) {
		attack(t, name, c.tried, func(t *testing.T, l *line) {
			files := map[string]string{"cart.py": "def total():\n    return 4\n", "week1/test_cart.py": courseTest}
			maps.Copy(files, c.files)
			q := w.request(t, w.commit(t, files))
			free, _ := w.run(t, q)
			if free.State != pipeline.Passed {
				t.Errorf("control: where nothing is fixed the build ended as %s: %s", free.State, free.Summary)
			}
			l.control = "where nothing is fixed it passes: " + free.Summary
			text := c.fixed
			if text == "" {
				text = courseFixed
			}
			if q.Fixed, err = fixed.Parse(text + "[overlay]\nrepository = 'school/tests'\nfolder = 'for-groups'\ncommit = '" +
				shas[0] + "'\n"); err != nil {
				t.Fatal(err)
			}
			q.Overlay = pipeline.Git{URL: w.host.RepoURL("school/tests"), SHA: shas[0], Tokens: pipeline.FixedToken(token)}
			o, log := w.run(t, q)
			if o.Cause != pipeline.CauseTests || !strings.Contains(o.Summary, "test_total") {
				t.Errorf("the operator's test did not decide: %s %s: %s", o.State, o.Cause, o.Summary)
			}
			if !strings.Contains(o.Summary+log.String(), c.said) {
				t.Errorf("nobody is told that %s", c.said)
			}
			if strings.Contains(log.String(), token) {
				t.Error("the token that fetched the operator's tests is in the log")
			}
			l.outcome = o.Summary
		})
	}
}

// TestLintIsOfTheCheckoutAsCloned: a setup.py takes away what lint would find. As the control, the tests
// of the same build find it gone.
func TestLintIsOfTheCheckoutAsCloned(t *testing.T) {
	w := theWorld(t)
	attack(t, "lint", "a setup.py that mends the tree before lint", func(t *testing.T, l *line) {
		o, log := w.run(t, w.request(t, w.commit(t, map[string]string{
			"setup.py": "open('/tmp/workspace/bad.py', 'w').write('x = 1\\n')\nfrom setuptools import setup\n" +
				"setup(name='bad', version='1', py_modules=['bad'])\n",
			"bad.py": "def f():\n    return nowhere\n",
			"test_bad.py": "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n" +
				"        self.assertEqual(open('bad.py').read(), 'x = 1\\n')\n        print('it was', 'mended')\n",
		})))
		if !strings.Contains(log.String(), "it was mended") {
			t.Error("control: the tree was not rewritten")
		}
		l.control = "the tests of the same build find it mended"
		if o.Cause != pipeline.CauseLint || !strings.Contains(o.Summary, "undefined name 'nowhere'") {
			t.Errorf("the build ended as %s %s: %s", o.State, o.Cause, o.Summary)
		}
		l.outcome = o.Summary
	})
}
