package pipeline_test

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"testing"

	"vivarium/images"
	"vivarium/images/imagestest"
	"vivarium/pipeline"
	"vivarium/sandbox/eventually"
)

func TestHelloPasses(t *testing.T) {
	w := theWorld(t)
	sha, err := w.host.CommitDir(t.Context(), "examples/hello", "../examples/hello")
	if err != nil {
		t.Fatal(err)
	}
	o, l := w.run(t, w.request(pipeline.Git{
		URL:    w.host.RepoURL("examples/hello"),
		SHA:    sha,
		Tokens: pipeline.FixedToken(gitToken),
	}))
	wantCause(t, o, "")
	wantText(t, o.Summary, "4 tests in ")
	wantText(t, l.step(pipeline.StepClone), "Build of a test", "$ git fetch", sha)
	wantText(t, l.step(pipeline.StepPlan), "Plan\n", "requirements.txt names nothing")
	wantText(t, l.step(pipeline.StepTest), "spelling h", "Ran 4 tests")
	if o.Image != images.Default || state(o, pipeline.StepInstall) != pipeline.StepSkipped {
		t.Errorf("image %q, install %s", o.Image, state(o, pipeline.StepInstall))
	}
	for _, s := range o.Steps {
		if s.Name == pipeline.StepTest && (s.CPU == 0 || s.PeakMemory == 0 || s.ExitCode == nil || *s.ExitCode != 0) {
			t.Errorf("figures of the tests: %+v", s)
		}
	}
}

func TestRepositoriesFailForTheirOwnCause(t *testing.T) {
	const passing = "import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\n"
	for name, c := range map[string]struct {
		files   map[string]string
		cause   pipeline.Cause
		summary string
		step    pipeline.StepName
		log     string
	}{
		"failing assertion": {
			map[string]string{
				"tests/test_a.py": "import unittest\nclass T(unittest.TestCase):\n" +
					"    def test_a(self): self.assertEqual(1, 2)\n    def test_b(self): pass\n",
			},
			pipeline.CauseTests, "test_a.T.test_a: 1 != 2 (tests/test_a.py:3)", pipeline.StepTest,
			"AssertionError: 1 != 2",
		},
		"syntax error is linted, and the tests are run": {
			map[string]string{"broken.py": "def f(:\n", "tests/test_a.py": passing},
			pipeline.CauseLint, "broken.py:1:8: E999 SyntaxError", pipeline.StepTest, "Ran 1 test",
		},
		"requirement that does not resolve": {
			map[string]string{"requirements.txt": "no-such-package-xyz\n", "tests/test_a.py": passing},
			pipeline.CauseInstall, "requirements.txt:1: no-such-package-xyz is no package on the index: check the name",
			pipeline.StepInstall, "ERROR: Could not find a version",
		},
		"no tests": {
			map[string]string{"a.py": "x = 1\n"},
			pipeline.CauseNoTests, "no tests", pipeline.StepLint, "lint: passed",
		},
		"test files without tests": {
			map[string]string{"tests/test_a.py": "import unittest\n"},
			pipeline.CauseNoTests, "found nothing to run", pipeline.StepTest, "Ran 0 tests",
		},
		"test that ends Python": {
			map[string]string{
				"tests/test_a.py": "import os, unittest\nclass T(unittest.TestCase):\n" +
					"    def test_a(self): os._exit(0)\n    def test_b(self): self.fail()\n",
			},
			pipeline.CauseTests, "ended Python with exit code 0", pipeline.StepTest, "test_a",
		},
		"failures that the exit code hides": {
			map[string]string{
				"tests/test_a.py": "import atexit, os, unittest\natexit.register(os._exit, 0)\n" +
					"class T(unittest.TestCase):\n    def test_a(self): self.fail()\n",
			},
			pipeline.CauseTests, "self.fail() (tests/test_a.py:4), although", pipeline.StepTest, "FAILED (failures=1)",
		},
		"broken pyproject.toml": {
			map[string]string{"pyproject.toml": "[project\n", "tests/test_a.py": passing},
			pipeline.CausePlan, "pyproject.toml, line 1", pipeline.StepPlan, "plan: failed",
		},
		"a limit that is raised": {
			map[string]string{"pyproject.toml": "[tool.vivarium]\ntimeout='1h'\n"},
			pipeline.CausePlan, "the operator's limit is 2 min", pipeline.StepPlan, "",
		},
		"a limit that the engine refuses": {
			map[string]string{"pyproject.toml": "[tool.vivarium]\npids=1\n"},
			pipeline.CausePlan, "set a higher limit", pipeline.StepPlan, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, l := build(t, c.files)
			wantCause(t, o, c.cause)
			wantText(t, o.Summary, c.summary)
			wantText(t, l.step(c.step), c.log)
		})
	}
}

// TestUnittestReportsWhateverATestModuleDoes: neither hides the other tests.
func TestUnittestReportsWhateverATestModuleDoes(t *testing.T) {
	const test = "    def test(self): pass\n"
	for name, c := range map[string]struct {
		module  string
		cause   pipeline.Cause
		summary string
	}{
		"another standard error": {
			"import os, sys, unittest\nsys.stderr = open(os.devnull, 'w')\nclass T(unittest.TestCase):\n" + test, "",
			"2 tests in",
		},
		"a description that fails": {
			"import unittest\nclass T(unittest.TestCase):\n" +
				"    def shortDescription(self): return self._testMethodDoc.strip()\n" +
				test, "",
			"2 tests in",
		},
		"a constructor of its own": {
			"import unittest\nclass T(unittest.TestCase):\n    def __init__(self): super().__init__()\n" + test,
			pipeline.CauseTests, "test_a.T.constructor: TypeError",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, l := build(t, map[string]string{
				"test_a.py": c.module, "test_b.py": "import unittest\nclass T(unittest.TestCase):\n" + test,
			})
			wantCause(t, o, c.cause)
			wantText(t, o.Summary, c.summary)
			log := l.step(pipeline.StepTest)
			wantText(t, log, "$ /opt/vivarium/env/bin/python -m unittest discover -v -s .\n", "Ran 2 tests")
			if strings.Contains(log, "Runs unittest") {
				t.Errorf("the log shows the program around unittest in place of a command that one can type:\n%s", log)
			}
		})
	}
}

// TestAForkedTestIsJudgedByTheProgramsExitCode: the child, too, comes to unittest's end, with a
// failure, before its parent or after it.
func TestAForkedTestIsJudgedByTheProgramsExitCode(t *testing.T) {
	o, l := build(t, map[string]string{"test_a.py": "import os, unittest\nclass T(unittest.TestCase):\n" +
		"    def test(self):\n" +
		"        pid = os.fork()\n        if pid == 0: self.fail('in the child')\n        os.waitpid(pid, 0)\n"})
	wantCause(t, o, "")
	wantText(t, l.step(pipeline.StepTest), "in the child", "FAILED (failures=1)")
}

func TestInstallFailureEndsTheBuild(t *testing.T) {
	o, _ := build(t, map[string]string{"requirements.txt": "no-such-package-xyz\n", "test_a.py": ""})
	if state(o, pipeline.StepLint) != pipeline.StepPassed || state(o, pipeline.StepTest) != pipeline.StepSkipped {
		t.Errorf("lint %s, which runs before; test %s", state(o, pipeline.StepLint), state(o, pipeline.StepTest))
	}
}

func TestRequirementsComeFromTheIndex(t *testing.T) {
	o, l := build(t, map[string]string{
		"requirements.txt": "greeter==1.0\n",
		"test_a.py": "import unittest, greeter\nclass T(unittest.TestCase):\n" +
			"    def test(self): self.assertEqual(greeter.WORD, 'hello')\n",
	})
	wantCause(t, o, "")
	wantText(t, l.step(pipeline.StepInstall), "Successfully installed greeter-1.0")
}

// srcTest fails unless the project in src/ is installed with its entry in the metadata.
const srcTest = `import importlib.metadata, unittest
import adder
class T(unittest.TestCase):
    def test(self):
        self.assertEqual(adder.add(1, 2), 3)
        self.assertEqual(importlib.metadata.version("adder"), "1.2")
`

func srcProject() map[string]string {
	return map[string]string{
		"pyproject.toml": "[project]\nname = 'adder'\nversion = '1.2'\n[build-system]\n" +
			"requires = ['setuptools', 'wheel']\nbuild-backend = 'setuptools.build_meta'\n",
		"src/adder/__init__.py": "def add(a, b): return a + b\n",
		"tests/test_adder.py":   srcTest,
	}
}

func TestProjectIsInstalledAndItsBuildFolderNotLinted(t *testing.T) {
	requireBuildTools(t)
	files := srcProject()
	// pip copies this file into build/, where flake8 would find it a second time.
	files["src/adder/odd.py"] = "def f(): return nowhere_defined\n"
	o, l := build(t, files)
	wantCause(t, o, pipeline.CauseLint)
	wantText(t, o.Summary, "src/adder/odd.py:1:")
	wantText(t, l.step(pipeline.StepInstall), "Successfully installed adder-1.2")
	wantText(t, l.step(pipeline.StepTest), "Ran 1 test")
}

func TestSrcProjectBesideRequirementsIsInstalledToo(t *testing.T) {
	requireBuildTools(t)
	files := srcProject()
	files["requirements.txt"] = "greeter\n"
	o, l := build(t, files)
	wantCause(t, o, "")
	wantText(t, l.step(pipeline.StepInstall), "--no-deps -e .", "Successfully installed adder-1.2")
}

func TestModulesOfTheRepositoryDoNotBreakPipOrFlake8(t *testing.T) {
	files := map[string]string{
		"requirements.txt": "greeter\n",
		"test_a.py":        "import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\n",
	}
	for _, name := range []string{"email", "queue", "tokenize", "optparse", "flake8", "pip"} {
		files[name+".py"] = "raise SystemExit('the repository has a module of this name')\n"
	}
	// unittest itself runs in the root, as it does for the repository's owner, and needs none of
	// these.
	delete(files, "tokenize.py")
	o, _ := build(t, files)
	for _, step := range []pipeline.StepName{pipeline.StepInstall, pipeline.StepLint} {
		if state(o, step) != pipeline.StepPassed {
			t.Errorf("%s %s: %s", step, state(o, step), o.Summary)
		}
	}
}

// TestDetectionAgreesWithUnittest runs what detection found in real trees: unittest must run as
// many tests as detection found files.
func TestDetectionAgreesWithUnittest(t *testing.T) {
	const one = "import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\n"
	for name, c := range map[string]struct {
		files []string
		ran   string
	}{
		"package": {
			[]string{
				"tests/__init__.py", "tests/test_a.py", "tests/unit/__init__.py", "tests/unit/test_b.py",
				"tests/loose/test_c.py",
			},
			"Ran 2 tests",
		},
		"folder": {
			[]string{"tests/test_a.py", "tests/unit/__init__.py", "tests/unit/test_b.py", "tests/test-c.py"},
			"Ran 2 tests",
		},
		"named test": {[]string{"test/__init__.py", "test/test_a.py"}, "Ran 1 test"},
		"root by package": {
			[]string{"pkg/__init__.py", "pkg/tests/__init__.py", "pkg/tests/test_a.py", "test_b.py"},
			"Ran 2 tests",
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for _, f := range c.files {
				files[f] = one
				if path.Base(f) == "__init__.py" {
					files[f] = ""
				}
			}
			o, l := build(t, files)
			wantCause(t, o, "")
			wantText(t, l.step(pipeline.StepTest), c.ran)
		})
	}
}

func TestWorkingTreeIsBuilt(t *testing.T) {
	w := theWorld(t)
	o, _ := w.run(t, w.request(tarOf(t, os.DirFS("../examples/hello"))))
	wantCause(t, o, "")
	wantText(t, o.Summary, "4 tests")
}

// Somebody who rebuilds a runner image may remove the previous one after a build has resolved it
// and before the build starts its sandbox.
func TestImageThatIsReplacedAsABuildBeginsIsLookedForAgain(t *testing.T) {
	w := theWorld(t)
	options := images.Options{
		InitDir: imagestest.Options(t).InitDir,
		Runners: "vivarium-test/replaced-" + strings.ToLower(rand.Text()[:8]),
	}
	own, err := images.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	remove := func() error { return exec.Command("docker", "rmi", options.Runners+":"+images.Default).Run() }
	runner := *w.runner
	runner.Images = own
	l := newLog()
	var once sync.Once
	l.onText = func(text string) {
		if strings.Contains(text, "Sandbox from image") {
			once.Do(func() {
				if err := remove(); err != nil {
					t.Errorf("control: the image cannot be removed: %v", err)
				}
			})
		}
	}
	o, err := runner.Run(t.Context(), w.request(w.commit(t, map[string]string{"README": ""})), l)
	if err != nil || state(o, pipeline.StepClone) != pipeline.StepPassed {
		t.Errorf("%v; %s %s %q; log:\n%s", err, o.State, o.Cause, o.Summary, l.text())
	}
	eventually.Holds(t, "the image is removed, once its container is", func() bool { return remove() == nil })
}
