package python

import (
	"slices"
	"strings"
	"testing"
	"vivarium/pipeline/python/checkout"
)

const testFunction = "def test_it():\n    assert True\n"

func TestUndeclaredPytestIsAddedUnlessTheOperatorHasOnlyWhatIsDeclared(t *testing.T) {
	for name, c := range map[string]struct {
		files   map[string]string
		added   bool
		refused bool // where only what is declared counts
	}{
		"undeclared": {map[string]string{"test_a.py": testFunction}, true, true},
		"in requirements.txt": {
			map[string]string{"test_a.py": testFunction, "requirements.txt": "pytest==7.2\n"},
			false,
			false,
		},
		"in a companion": {
			map[string]string{"test_a.py": testFunction, "requirements-dev.txt": "pytest\n"},
			false,
			false,
		},
		"an install command": {
			map[string]string{
				"test_a.py":      testFunction,
				"pyproject.toml": "[tool.vivarium]\ninstall = 'make env'\n",
			}, false, false,
		},
		"a test command": {
			map[string]string{
				"test_a.py":      testCase,
				"pyproject.toml": "[tool.vivarium]\ntest = 'pytest -q'\n",
			}, true, true,
		},
		"not needed": {map[string]string{"test_a.py": testCase}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			plan := detect(t, c.files)
			installed := slices.ContainsFunc(plan.Install, func(c checkout.Command) bool {
				return slices.Contains(c.Argv, "pytest")
			})
			said := strings.Contains(strings.Join(plan.Remarks, "; "), "pytest is declared nowhere and was added")
			if installed != c.added || said != c.added || len(plan.Test) == 0 {
				t.Errorf("installed: %v, said: %v, want %v; %d runs", installed, said, c.added, len(plan.Test))
			}
			only := options
			only.DeclaredPytest = true
			plan, err := Detect(survey(c.files), only)
			if err != nil {
				t.Fatal(err)
			}
			if refused := len(plan.Test) == 0; refused != c.refused {
				t.Errorf("refused: %v, want %v", refused, c.refused)
			}
			if told := strings.Contains(plan.TestWhy, "declare it, such as in requirements-dev.txt"); told != c.refused {
				t.Errorf("the plan says of the tests: %s", plan.TestWhy)
			}
		})
	}
}

func TestOwnTestCommandsTakeThePlaceOfWhatIsFound(t *testing.T) {
	plan := detect(t, map[string]string{
		"app/test_a.py":        testCase,
		"app/x.py":             "",
		"app/requirements.txt": "six\n",
		"pyproject.toml": `[tool.vivarium]
workdir = "app"
test = ["make checks", "python -m unittest x"]
env = { MODE = "quick", LEVEL = 3 }
`,
	})
	want := []string{
		"cd app && LEVEL=3 MODE=quick /bin/sh -ec 'make checks'",
		"cd app && LEVEL=3 MODE=quick python -m unittest x",
	}
	if got := Line(plan.Install[0]); !strings.Contains(got, "LEVEL=3 MODE=quick ") {
		t.Errorf("install: %s", got)
	}
	var got []string
	for _, c := range plan.Test {
		got = append(got, Line(c))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if plan.TestWhy != "[tool.vivarium] test" {
		t.Errorf("the plan says of the tests: %s", plan.TestWhy)
	}
	remarks := strings.Join(plan.Remarks, "; ")
	if !strings.Contains(remarks, "the repository's own test in [tool.vivarium]") {
		t.Errorf("the verdict says %q", remarks)
	}
	for _, c := range plan.Lint {
		if len(c.Env) > 0 {
			t.Errorf("lint has variables of the repository's: %q", c.Env)
		}
	}
}

func TestNoOwnTestCommandIsNoTests(t *testing.T) {
	plan := detect(t, map[string]string{"test_a.py": testCase, "pyproject.toml": "[tool.vivarium]\ntest = []\n"})
	if len(plan.Test) > 0 || plan.TestWhy != "[tool.vivarium] test names no command" {
		t.Errorf("%d runs: %s", len(plan.Test), plan.TestWhy)
	}
}

func TestWhatCIRunsIsReadAndTaken(t *testing.T) {
	files := map[string]string{
		".github/workflows/ci.yml": "steps:\n  - run: python check_sums.py\n",
		"check_sums.py":            testCase,
		"other.py":                 testCase,
	}
	s := survey(files)
	delete(s.Contents, "check_sums.py")
	if asked := Reads(s); !slices.Equal(asked, []string{"check_sums.py"}) {
		t.Errorf("Reads asks for %q", asked)
	}
	plan := detect(t, files)
	if len(plan.Test) != 1 || !strings.HasSuffix(Line(plan.Test[0]), "-p check_sums.py") {
		t.Errorf("%d runs: %s", len(plan.Test), plan.TestWhy)
	}
}
