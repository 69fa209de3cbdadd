package suite

import (
	"slices"
	"testing"
)

func TestFilesThatScriptsRunAreTakenWhereNoNameTells(t *testing.T) {
	const ci = ".github/workflows/ci.yml"
	run := func(command string) string { return "steps:\n  - run: " + command + "\n" }
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"python FILE": {
			map[string]string{ci: run("python check_sums.py"), "check_sums.py": testCase},
			[]string{discover + ". -p check_sums.py"},
		},
		"-m unittest FILE": {
			map[string]string{"run.sh": "python3 -m unittest -v ./check_sums.py\n", "check_sums.py": testCase},
			[]string{discover + ". -p check_sums.py"},
		},
		"a program":           {map[string]string{ci: run("python app.py"), "app.py": "print(1)\n"}, nil},
		"a file of no script": {map[string]string{"README.md": "python check_sums.py", "check_sums.py": testCase}, nil},
		"beside named tests": {
			map[string]string{ci: run("python check_sums.py"), "check_sums.py": testCase, "test_a.py": testCase},
			[]string{discover + "."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := commands(choose(c.files)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
