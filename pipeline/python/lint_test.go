package python

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

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
		"no configuration": {map[string]string{}, []string{".git", "*.egg", "./build"}, nil},
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
		"a build of the repository's own": {map[string]string{"build/a.py": ""}, nil, []string{"./build"}},
	} {
		t.Run(name, func(t *testing.T) {
			argv := detect(t, c.files).Lint[0].Argv
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
	plain := detect(t, map[string]string{}).Lint[0].Argv
	tried := detect(t, map[string]string{
		"setup.cfg": "[flake8]\nselect = W\nignore = E9,F\nextend-ignore = F82\nper-file-ignores = *: E9\n" +
			"max-complexity = 1\nrequire-plugins = none\noutput-file = x\n",
	}).Lint[0].Argv
	if !slices.Equal(plain, tried) {
		t.Errorf("got %q, want %q", tried, plain)
	}
}

func TestLintPassesBuiltinsOn(t *testing.T) {
	argv := detect(t, map[string]string{".flake8": "[flake8]\nbuiltins = _, ngettext, --config=x\n"}).Lint[0].Argv
	if got := flag(argv, "--builtins"); got != "_,ngettext" {
		t.Errorf("got %q", got)
	}
}

func TestLintUsesWorkersFromManyFilesOn(t *testing.T) {
	files := map[string]string{}
	for i := range parallelFrom {
		files[fmt.Sprintf("m%d.py", i)] = ""
	}
	if got := flag(detect(t, files).Lint[0].Argv, "--jobs"); got != "2" {
		t.Errorf("jobs %q, want one for each CPU", got)
	}
	delete(files, "m0.py")
	if got := flag(detect(t, files).Lint[0].Argv, "--jobs"); got != "1" {
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
		"takes 97.49 KiB":  {".flake8": "[flake8]\nexclude = " + strings.Repeat("a,", 50_000-130)},
		"64 KiB are":       envs,
	} {
		if e := detectError(t, files); !strings.Contains(e.Problem, want) {
			t.Errorf("got %v, want %q", e, want)
		}
	}
}
