package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/checkout/checkouttest"
)

func choose(t *testing.T, files map[string]string) Lint {
	t.Helper()
	l, err := Choose(checkouttest.Tree(files), 2)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func flag(argv []string, name string) string {
	for _, a := range argv {
		if v, ok := strings.CutPrefix(a, name+"="); ok {
			return v
		}
	}
	return ""
}

func TestLintHonoursOnlyWhatTheRepositoryLeavesOut(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
		not   []string
	}{
		"no configuration": {map[string]string{}, []string{".git", "*.egg"}, []string{"./build"}},
		"exclude replaces the default": {
			map[string]string{".flake8": "[flake8]\nexclude =\n    docs,\n    old/*.py\n"},
			[]string{"docs", "old/*.py"}, []string{"*.egg"},
		},
		"extend-exclude adds": {
			map[string]string{"tox.ini": "[flake8]\nextend-exclude: a b"},
			[]string{"a", "b", "*.egg"},
			nil,
		},
		"setup.cfg outranks .flake8": {
			map[string]string{"setup.cfg": "[flake8]\nexclude=a", ".flake8": "[flake8]\nexclude=b"},
			[]string{"a"}, []string{"b"},
		},
		"virtual environment": {
			map[string]string{"my env/pyvenv.cfg": "", "sub/v/pyvenv.cfg": ""},
			[]string{"./my?env", "./sub/v"}, nil,
		},
		"an environment by its packages": {
			map[string]string{"env/lib/python3.9/site-packages/six.py": ""}, []string{"./env"}, nil,
		},
		"vendored code": {
			map[string]string{"app/_vendor/six.py": ""},
			[]string{"./app/_vendor"},
			nil,
		},
		"the output of setuptools":        {map[string]string{"build/lib/a.py": ""}, []string{"./build/lib"}, nil},
		"a build of the repository's own": {map[string]string{"build/a.py": ""}, nil, []string{"./build"}},
	} {
		t.Run(name, func(t *testing.T) {
			argv := choose(t, c.files).Command.Argv
			got := strings.Split(flag(argv, "--exclude"), ",")
			for _, w := range c.want {
				if !slices.Contains(got, w) {
					t.Errorf("%q does not exclude %q", got, w)
				}
			}
			for _, n := range c.not {
				if slices.Contains(got, n) {
					t.Errorf("%q excludes %q", got, n)
				}
			}
		})
	}
}

func TestLintSelectIsNotTheRepositorysToChange(t *testing.T) {
	plain := choose(t, nil).Command.Argv
	tried := choose(t, map[string]string{
		"setup.cfg": "[flake8]\nselect = W\nignore = E9,F\nextend-ignore = F82\nper-file-ignores = *: E9\n" +
			"max-complexity = 1\nrequire-plugins = none\noutput-file = x\n",
	}).Command.Argv
	if !slices.Equal(plain, tried) {
		t.Errorf("got %q, want %q", tried, plain)
	}
}

func TestLintPassesBuiltinsOn(t *testing.T) {
	argv := choose(t, map[string]string{".flake8": "[flake8]\nbuiltins = _, ngettext, --config=x\n"}).Command.Argv
	if got := flag(argv, "--builtins"); got != "_,ngettext" {
		t.Errorf("got %q", got)
	}
}

func TestLintUsesWorkersFromManyFilesOn(t *testing.T) {
	files := map[string]string{}
	for i := range parallelFrom {
		files[fmt.Sprintf("m%d.py", i)] = ""
	}
	if got := flag(choose(t, files).Command.Argv, "--jobs"); got != "2" {
		t.Errorf("jobs %q, want one for each CPU", got)
	}
	delete(files, "m0.py")
	if got := flag(choose(t, files).Command.Argv, "--jobs"); got != "1" {
		t.Errorf("jobs %q, want 1", got)
	}
}

func TestLintThatCouldNotBeRunIsAMistakeOfTheRepository(t *testing.T) {
	envs := map[string]string{}
	for i := range 5000 {
		envs[fmt.Sprintf("some/environment/%d/pyvenv.cfg", i)] = ""
	}
	for want, files := range map[string]map[string]string{
		"holds a NUL byte": {"setup.cfg": "[flake8]\nexclude = a\x00b\n"},
		"takes 97.47 KiB":  {".flake8": "[flake8]\nexclude = " + strings.Repeat("a,", 50_000-130)},
		"64 KiB are":       envs,
	} {
		var e *checkout.Mistake
		if l, err := Choose(checkouttest.Tree(files), 2); !errors.As(err, &e) || !strings.Contains(e.Problem, want) {
			t.Errorf("got %+v, %v; want %q", l, err, want)
		}
	}
}

func TestThePlanSaysWhatIsNotLintedAndWhatDoesNotCount(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing": {map[string]string{"a.py": "", ".flake8": "[flake8]\nmax-line-length = 100\nexclude = b\n"}, ""},
		"settings": {
			map[string]string{"setup.cfg": "[flake8]\nignore = F821\nper-file-ignores = a.py: E9\n"},
			"lint checks E9,F63,F7,F821,F822,F823 whatever setup.cfg sets of flake8: ignore, per-file-ignores",
		},
		"folders": {
			map[string]string{"env/pyvenv.cfg": "", "vendor/a.py": "", "build/lib/b.py": ""},
			"not linted: build/lib/ (build output), env/ (virtual environment), vendor/ (other people's code)",
		},
		"links": {
			map[string]string{"a.py": "-> ../lib/a.py", "b.py": "-> c.py", "c.py": "", "d.txt": "-> e"},
			"not linted: a.py (a link that leads nowhere: ../lib/a.py)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(choose(t, c.files).Notes, "\n"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
