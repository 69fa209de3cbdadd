package suite

import (
	"path"
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline/python/checkout/checkouttest"
)

const (
	unread   = checkouttest.Unread
	testCase = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n        pass\n"
	function = "def test_it():\n    assert True\n"
)

var options = Options{Python: "python", Root: "/workspace"}

func choose(files map[string]string) Suite { return Choose(checkouttest.Tree(files), options) }

// commands are the runs as one could type them.
func commands(s Suite) []string {
	var all []string
	for _, c := range s.Runs {
		argv := c.Argv
		if c.Shown != nil {
			argv = c.Shown
		}
		line := strings.Join(slices.Concat(c.Env, argv), " ")
		if c.Dir != "" {
			line = "cd " + c.Dir + "; " + line
		}
		all = append(all, line)
	}
	return all
}

const discover = "python -m unittest discover -v -s "

func TestUnittestRunsWhatItsDiscoveryFinds(t *testing.T) {
	for name, c := range map[string]struct {
		files []string // each holds a TestCase, but for __init__.py
		want  []string
	}{
		"tests as a folder": {[]string{"tests/test_a.py"}, []string{discover + "tests"}},
		"tests as a package": {
			[]string{"tests/__init__.py", "tests/test_a.py"},
			[]string{discover + "tests -t ."},
		},
		"test": {[]string{"test/test_a.py"}, []string{discover + "test"}},
		"tests before test": {
			[]string{"tests/test_a.py", "test/test_a.py", "test_b.py"},
			[]string{discover + "tests"},
		},
		"root":                    {[]string{"test_a.py"}, []string{discover + "."}},
		"root that is a package":  {[]string{"__init__.py", "test_a.py"}, []string{discover + "."}},
		"just test.py":            {[]string{"tests/test.py"}, []string{discover + "tests"}},
		"an identifier in French": {[]string{"tests/test_é.py"}, []string{discover + "tests"}},
		"nothing":                 {nil, nil},
		"tests inside the package": {
			[]string{"pkg/__init__.py", "pkg/tests/__init__.py", "pkg/tests/test_a.py"},
			[]string{discover + "."},
		},
		"tests inside a package in src": {
			[]string{"src/pkg/__init__.py", "src/pkg/tests/__init__.py", "src/pkg/tests/test_a.py"},
			[]string{"PYTHONPATH=/workspace/src " + discover + "src"},
		},
		"packages below tests": {
			[]string{"tests/unit/__init__.py", "tests/unit/test_a.py"},
			[]string{discover + "tests"},
		},
		"folders below tests": {
			[]string{"tests/unit/test_a.py", "tests/system/test_b.py"},
			[]string{discover + "tests/system", discover + "tests/unit"},
		},
		"a folder below the package tests": {
			[]string{"tests/__init__.py", "tests/test_a.py", "tests/unit/test_b.py"},
			[]string{discover + "tests -t .", discover + "tests/unit"},
		},
		"a package below a folder": {
			[]string{"tests/a/b/__init__.py", "tests/a/b/test_a.py"},
			[]string{discover + "tests/a"},
		},
		"homework in folders": {
			[]string{"hw1/test_a.py", "hw2/test_a.py"},
			[]string{discover + "hw1", discover + "hw2"},
		},
		"not in environments": {[]string{"env/pyvenv.cfg", "env/lib/test_a.py"}, nil},
		"not in hidden ones":  {[]string{".tox/py/test_a.py"}, nil},
		"tests is a file":     {[]string{"tests", "test_a.py"}, []string{discover + "."}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for _, f := range c.files {
				files[f] = testCase
				if path.Base(f) == "__init__.py" {
					files[f] = ""
				}
			}
			if got := commands(choose(files)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestUnittestTakesTheFirstFolderThatHoldsTests(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"helpers are no tests": {
			map[string]string{"tests/data.txt": "", "tests/helper.py": "", "test/test_a.py": testCase},
			[]string{discover + "test"},
		},
		"a script is no test": {
			map[string]string{"tests/test_data.py": "print(1)\n", "test_a.py": testCase},
			[]string{discover + "."},
		},
		"what was not read may be": {map[string]string{"tests/test_a.py": unread}, []string{discover + "tests"}},
		"a class of an unknown parent": {
			map[string]string{"tests/test_a.py": "class A(Base):\n    def test_a(self): pass\n"},
			[]string{discover + "tests"},
		},
		"load_tests": {
			map[string]string{"tests/test_a.py": "def load_tests(loader, tests, pattern): pass\n"},
			[]string{discover + "tests"},
		},
		"a link": {
			map[string]string{"tests": "-> src/checks", "src/checks/test_a.py": testCase},
			[]string{discover + "tests"},
		},
		"modules in src, not installed": {
			map[string]string{"src/a.py": "", "tests/test_a.py": testCase},
			[]string{"PYTHONPATH=/workspace/src " + discover + "tests"},
		},
		"src is a package": {
			map[string]string{"src/__init__.py": "", "src/a.py": "", "tests/test_a.py": testCase},
			[]string{discover + "tests"},
		},
		"tests in a package import each other by bare names": {
			map[string]string{
				"tests/__init__.py": "",
				"tests/helper.py":   "",
				"tests/test_a.py":   "import helper\n" + testCase,
			},
			[]string{"PYTHONPATH=/workspace/tests " + discover + "tests -t ."},
		},
		"a module of the root is no sibling": {
			map[string]string{
				"helper.py":         "",
				"tests/__init__.py": "",
				"tests/helper.py":   "",
				"tests/test_a.py":   "import helper\n" + testCase,
			},
			[]string{discover + "tests -t ."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := commands(choose(c.files)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestOtherUsualNamesAreTakenWhereTheDefaultFindsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"*_test.py": {
			map[string]string{"tests/__init__.py": "", "tests/cart_test.py": testCase},
			[]string{discover + "tests -t . -p *_test.py"},
		},
		"*_tests.py": {map[string]string{"cart_tests.py": testCase}, []string{discover + ". -p *_tests.py"}},
		"unit_tests.py": {
			map[string]string{"tests/unit_tests.py": testCase},
			[]string{discover + "tests -p *_tests.py"},
		},
		"Test*.py":        {map[string]string{"TestOrbit.py": testCase}, []string{discover + ". -p Test*.py"}},
		"*Test.py":        {map[string]string{"OrbitTest.py": testCase}, []string{discover + ". -p *Test.py"}},
		"triangletest.py": {map[string]string{"triangletest.py": testCase}, []string{discover + ". -p *test.py"}},
		"tests.py":        {map[string]string{"tests.py": testCase}, []string{discover + "."}},
		"two kinds": {
			map[string]string{"TestA.py": testCase, "b_test.py": testCase},
			[]string{discover + ". -p *_test.py", discover + ". -p Test*.py"},
		},
		"not beside test*.py": {
			map[string]string{"test_a.py": testCase, "b_test.py": testCase},
			[]string{discover + "."},
		},
		"not where none is held": {map[string]string{"latest.py": "x = 1\n"}, nil},
		"not where it is not known": {
			map[string]string{"latest.py": unread},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := commands(choose(c.files)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestPytestRunsAllWhereAnyTestNeedsIt(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		why   string // empty: unittest
	}{
		"only TestCases":  {map[string]string{"test_a.py": testCase}, ""},
		"a test function": {map[string]string{"test_a.py": function}, "test_a.py has test_it outside a TestCase"},
		"an async function": {
			map[string]string{"test_a.py": "async def test_it():\n    pass\n"},
			"test_a.py has test_it outside a TestCase",
		},
		"a class of its own": {
			map[string]string{"test_a.py": "class TestA:\n    def test_it(self): pass\n"},
			"test_a.py has TestA outside a TestCase",
		},
		"it is imported": {
			map[string]string{"test_a.py": "import pytest\n" + testCase},
			"test_a.py imports pytest",
		},
		"a helper imports it": {
			map[string]string{"test_a.py": testCase, "tests/util.py": "from pytest import raises\n"},
			"tests/util.py imports pytest",
		},
		"one of two": {
			map[string]string{"tests/test_a.py": testCase, "tests/test_b.py": function},
			"tests/test_b.py has test_it outside a TestCase",
		},
		"conftest.py": {
			map[string]string{"test_a.py": testCase, "conftest.py": "x = 1\n"},
			"there is a conftest.py",
		},
		"pytest.ini": {map[string]string{"test_a.py": testCase, "pytest.ini": ""}, "pytest.ini configures it"},
		"pyproject.toml": {
			map[string]string{"test_a.py": testCase, "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-x'\n"},
			"pyproject.toml configures it",
		},
		"setup.cfg": {
			map[string]string{"test_a.py": testCase, "setup.cfg": "[tool:pytest]\n"},
			"setup.cfg configures it",
		},
		"tox.ini": {
			map[string]string{"test_a.py": testCase, "tox.ini": "[pytest]\n"},
			"tox.ini configures it",
		},
		"a fixture": {
			map[string]string{"test_a.py": "def test_it(tmp_path):\n    pass\n"},
			"test_a.py has test_it outside a TestCase",
		},
		"functions in a file of another name": {
			map[string]string{"mytests.py": function},
			"mytests.py has test_it outside a TestCase",
		},

		"a configuration without tests": {map[string]string{"pytest.ini": ""}, ""},
		"an empty conftest.py":          {map[string]string{"test_a.py": testCase, "conftest.py": ""}, ""},
		"a setup.cfg for others":        {map[string]string{"test_a.py": testCase, "setup.cfg": "[metadata]\n"}, ""},
		"a helper that takes arguments": {
			map[string]string{"test_a.py": "def test_data(n):\n    pass\n\n" + testCase},
			"",
		},
		"a suite of older unittest": {
			map[string]string{"test_a.py": "def test_suite():\n    pass\n\n" + testCase},
			"",
		},
		"a test method": {
			map[string]string{"test_a.py": "class TestA(Base):\n    def test_it(self): pass\n"},
			"",
		},
		"a class with a constructor": {
			map[string]string{
				"test_a.py": testCase + "\n\nclass TestData:\n    def __init__(self): pass\n    def test_x(self): pass\n",
			},
			"",
		},
		"a function in a nested one": {
			map[string]string{"test_a.py": "def main():\n    def test_it(): pass\n\n" + testCase},
			"",
		},
		"code that imports pytest": {map[string]string{"test_a.py": testCase, "app.py": "import pytest\n"}, ""},
		"a script whose name pytest skips": {
			map[string]string{"test.py": "def test():\n    pass\n", "test_a.py": testCase},
			"",
		},
		"an environment's tests": {
			map[string]string{"test_a.py": testCase, "env/pyvenv.cfg": "", "env/test_b.py": function},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := choose(c.files)
			if s.NeedsPytest != c.why || (s.Program == Pytest) != (c.why != "") {
				t.Errorf("got %s: %q, want %q", s.Program, s.NeedsPytest, c.why)
			}
		})
	}
}

func TestPytestKeepsTheRepositorysSettings(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"none": {map[string]string{"tests/test_a.py": function}, "python -m pytest"},
		"modules in src": {
			map[string]string{"src/a.py": "", "test_a.py": function},
			"PYTHONPATH=/workspace/src python -m pytest",
		},
		"quiet": {
			map[string]string{"test_a.py": function, "pytest.ini": "[pytest]\naddopts = -q\n"},
			"python -m pytest",
		},
		"no summary": {
			map[string]string{"test_a.py": function, "pytest.ini": "[pytest]\naddopts = -qq -x\n"},
			"python -m pytest -v",
		},
		"an environment": {
			map[string]string{"test_a.py": function, "my env/pyvenv.cfg": ""},
			"python -m pytest --ignore=my env",
		},
		"names of its own": {
			map[string]string{
				"check_a.py": function,
				"pytest.ini": "[pytest]\npython_files = check_*.py\n",
				"test_b.py":  testCase,
			},
			"python -m pytest",
		},
		"TestCases of another": {
			map[string]string{"test_a.py": function, "TestB.py": testCase},
			"python -m pytest -o python_files=test_*.py *_test.py TestB.py",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := commands(choose(c.files)); !slices.Equal(got, []string{c.want}) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestPytestsOwnNamesAreTests: a file need not have test in its name where the settings say so, in
// any of the files in which pytest looks for them.
func TestPytestsOwnNamesAreTests(t *testing.T) {
	for file, text := range map[string]string{
		"pytest.ini":     "[pytest]\npython_files = check_*.py\n",
		".pytest.ini":    "[pytest]\npython_files =\n    spec_*.py\n    check_*.py\n",
		"tox.ini":        "[pytest]\npython_files = check_*.py\n",
		"setup.cfg":      "[tool:pytest]\npython_files = check_*.py\n",
		"pyproject.toml": "[tool.pytest.ini_options]\npython_files = [\"check_*.py\"]\n",
	} {
		s := choose(map[string]string{"checks/check_sum.py": unread, "sum.py": "", file: text})
		if got := commands(s); !slices.Equal(got, []string{"python -m pytest"}) ||
			!strings.Contains(s.NeedsPytest, file) {
			t.Errorf("%s: got %q (%s), want pytest", file, got, s.NeedsPytest)
		}
	}
	none := choose(map[string]string{"sum.py": "", "pytest.ini": "[pytest]\npython_files = check_*.py\n"})
	if len(none.Runs) > 0 {
		t.Errorf("where no file has such a name: got %q", commands(none))
	}
}

// TestPytestReadsToxBeforeSetup as pytest's documentation has it.
func TestPytestReadsToxBeforeSetup(t *testing.T) {
	for range 20 { // the order was once that of a map
		got := readConfig(checkouttest.Tree(map[string]string{
			"setup.cfg": "[tool:pytest]\npython_files = a.py\n", "tox.ini": "[pytest]\npython_files = b.py\n",
		}))
		if got.file != "tox.ini" {
			t.Fatalf("got %s", got.file)
		}
	}
}

const managePy = "from django.core.management import execute_from_command_line\n"

func TestADjangoProjectRunsByItsOwnManagePy(t *testing.T) {
	const test = "python manage.py test -v 2 --noinput"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"at the root": {map[string]string{"manage.py": managePy, "app/tests.py": testCase}, test},
		"in a folder": {
			map[string]string{"site/manage.py": managePy, "site/app/tests.py": testCase},
			"cd site; " + test,
		},
		"of somebody": {map[string]string{"manage.py": "import app\n", "test_a.py": testCase}, discover + "."},
		"without tests": {
			map[string]string{"manage.py": managePy, "app/tests.py": "from django.test import TestCase\n"},
			"",
		},
		"by pytest": {
			map[string]string{"manage.py": managePy, "pytest.ini": "", "test_a.py": testCase},
			"python -m pytest",
		},
		"with tests else": {
			map[string]string{"site/manage.py": managePy, "tests/test_a.py": testCase},
			discover + "tests",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(commands(choose(c.files)), "; "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhatIsNotRunIsNamedWithTheReason(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  map[string]string
	}{
		"a hyphen": {
			map[string]string{"hw3-tests.py": testCase},
			map[string]string{"hw3-tests.py": "rename it to hw3_tests.py"},
		},
		"another folder": {
			map[string]string{"tests/test_a.py": testCase, "other/test_b.py": testCase},
			map[string]string{"other/test_b.py": "taken from tests/"},
		},
		"another name": {
			map[string]string{"test_a.py": testCase, "b_test.py": testCase},
			map[string]string{"b_test.py": "test*.py"},
		},
		"pytest's names": {
			map[string]string{"test_a.py": function, "b-test.py": testCase},
			map[string]string{"b-test.py": "rename it"},
		},
		"what has none": {map[string]string{"test_a.py": testCase, "latest.py": "x = 1\n"}, nil},
		"Django's names": {
			map[string]string{"manage.py": managePy, "a/tests.py": testCase, "a/b_test.py": testCase},
			map[string]string{"a/b_test.py": "test*.py"},
		},
		"Django's folder": {
			map[string]string{"s/manage.py": managePy, "s/tests.py": testCase, "test_b.py": testCase},
			map[string]string{"test_b.py": "outside s/"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			left := choose(c.files).Left
			for _, l := range left {
				if want, ok := c.want[l.Path]; !ok || !strings.Contains(l.Reason, want) {
					t.Errorf("%s is left: %s; want %q", l.Path, l.Reason, want)
				}
			}
			if len(left) != len(c.want) {
				t.Errorf("got %v, want %v", left, c.want)
			}
		})
	}
}

func TestAProjectInAFolderHasItsOwnSrcOnThePath(t *testing.T) {
	o := options
	o.Dir = "server"
	s := Choose(checkouttest.Tree(map[string]string{"src/a.py": "", "tests/test_a.py": testCase}), o)
	want := "PYTHONPATH=/workspace/server/src " + discover + "tests"
	if got := commands(s); !slices.Equal(got, []string{want}) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFoldersWithoutInitAreRunOneByOne(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"homework": {
			map[string]string{
				"hw1/test_one.py": testCase,
				"hw1/one.py":      "",
				"hw2/test_two.py": "import two\n" + testCase,
				"hw2/two.py":      "",
			},
			[]string{discover + "hw1", discover + "hw2"},
		},
		"modules of one name": {
			map[string]string{"one/tests/test_it.py": testCase, "two/tests/test_it.py": testCase},
			[]string{discover + "one/tests", discover + "two/tests"},
		},
		"one file at the root": {map[string]string{"unit_tests.py": testCase}, []string{discover + ". -p *_tests.py"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := commands(choose(c.files)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
