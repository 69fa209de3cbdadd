package suite

import (
	"path"
	"slices"
	"testing"
)

// TestRunsWithModulesOfOneNameAreToldApart: unittest gives the tests of both the same names.
func TestRunsWithModulesOfOneNameAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		files, want []string
	}{
		"one run":                {[]string{"test_a.py"}, []string{""}},
		"different names":        {[]string{"hw1/test_a.py", "hw2/test_b.py"}, []string{"", ""}},
		"one name":               {[]string{"hw1/test_a.py", "hw2/test_a.py", "hw3/test_b.py"}, []string{"hw1/", "hw2/", ""}},
		"one of them at the top": {[]string{"test_a.py", "hw1/test_a.py"}, []string{"", "hw1/"}},
		"one of them in a package": {
			[]string{"tests/__init__.py", "tests/test_a.py", "tests/unit/test_a.py"}, []string{"", ""},
		},
	} {
		files := map[string]string{}
		for _, f := range c.files {
			files[f] = testCase
			if path.Base(f) == "__init__.py" {
				files[f] = ""
			}
		}
		var got []string
		for _, run := range choose(files).Runs {
			got = append(got, run.Below)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
