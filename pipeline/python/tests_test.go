package python

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline/python/checkout"
)

func TestDetectTakesTestsFromWhereUnittestFindsThem(t *testing.T) {
	const discover = EnvPython + " -m unittest discover -v -s "
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"tests as a folder":        {[]string{"tests/test_a.py"}, discover + "tests"},
		"tests as a package":       {[]string{"tests/__init__.py", "tests/test_a.py"}, discover + "tests -t ."},
		"tests in a package below": {[]string{"tests/unit/__init__.py", "tests/unit/test_a.py"}, discover + "tests"},
		"tests in a folder below":  {[]string{"tests/unit/test_a.py"}, ""},
		"test":                     {[]string{"test/test_a.py"}, discover + "test"},
		"tests before test":        {[]string{"tests/test_a.py", "test/test_a.py", "test_b.py"}, discover + "tests"},
		"test when tests has none": {
			[]string{"tests/data.txt", "tests/helper.py", "test/test_a.py"},
			discover + "test",
		},
		"root": {[]string{"test_a.py"}, discover + "."},
		"root by a package": {
			[]string{"pkg/__init__.py", "pkg/tests/__init__.py", "pkg/tests/test_a.py"},
			discover + ".",
		},
		"root by a folder":              {[]string{"pkg/test_a.py"}, ""},
		"no identifier":                 {[]string{"tests/test-a.py"}, ""},
		"name ends in test":             {[]string{"tests/a_test.py"}, ""},
		"name in capitals":              {[]string{"tests/Test_a.py"}, ""},
		"just test.py":                  {[]string{"tests/test.py"}, discover + "tests"},
		"nothing":                       {nil, ""},
		"package below a plain folder":  {[]string{"tests/a/b/__init__.py", "tests/a/b/test_a.py"}, ""},
		"not in a virtual environment":  {[]string{"venv/pyvenv.cfg", "venv/lib/test_a.py"}, ""},
		"tests is a file":               {[]string{"tests", "test_a.py"}, discover + "."},
		"non-ASCII identifiers are one": {[]string{"tests/test_é.py"}, discover + "tests"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for _, f := range c.files {
				files[f] = ""
			}
			plan := detect(t, files)
			if got := Lines(plan.Test); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestDetectFollowsALinkedTestsFolder(t *testing.T) {
	plan := detect(t, map[string]string{"tests": "-> src/checks", "src/checks/test_a.py": ""})
	if got := Lines(plan.Test); !strings.HasSuffix(got, "-s tests") {
		t.Errorf("got %q", got)
	}
}

func TestDetectEndsOnLinksThatRunInCircles(t *testing.T) {
	files := map[string]string{"__init__.py": "", "x": "-> y", "y": "-> x"}
	for _, name := range "abcdefghij" {
		files[string(name)] = "-> ."
	}
	if plan := detect(t, files); len(plan.Test) != 0 {
		t.Errorf("found tests: %q", plan.Test)
	}
}

func TestNoTestsSaysWhatWasMissed(t *testing.T) {
	plan := detect(t, map[string]string{"tests/unit/test_a.py": ""})
	for _, want := range []string{"tests/unit/test_a.py", "__init__.py"} {
		if !strings.Contains(plan.TestWhy, want) {
			t.Errorf("%q does not mention %s", plan.TestWhy, want)
		}
	}
	if len(plan.Lint) == 0 {
		t.Error("without tests nothing is linted")
	}
}

func TestTestsInVirtualEnvironmentsAreNobodysTests(t *testing.T) {
	files := map[string]string{"x_test.py": "", "v-1/test_own.py": ""}
	for _, env := range []string{"v", "v/w", "deep/env"} {
		files[env+"/pyvenv.cfg"] = ""
		files[env+"/lib/test_theirs.py"] = ""
	}
	files["v/z_test.py"] = ""
	if got, want := otherTests(checkout.New(survey(files)), nil), []string{
		"v-1/test_own.py", "x_test.py",
	}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestManyVirtualEnvironmentsAndTestsArePlannedAtOnce(t *testing.T) {
	files := map[string]string{}
	for i := range 40_000 { // comparing each with each would take half a minute
		files[fmt.Sprintf("a%d/pyvenv.cfg", i)] = ""
		files[fmt.Sprintf("b%d/x_test.py", i)] = ""
	}
	tree := checkout.New(survey(files))
	began := time.Now()
	if got := otherTests(tree, nil); len(got) != 40_000 {
		t.Errorf("got %d files", len(got))
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}
