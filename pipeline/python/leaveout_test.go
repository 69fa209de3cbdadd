package python

import (
	"strings"
	"testing"
)

func TestWhatTheIndexLacksIsLeftOutWhereTheTestsDoWithoutIt(t *testing.T) {
	const requirements = "requirements.txt"
	for name, c := range map[string]struct {
		files map[string]string
		want  string // what pip is asked for then; empty: it stays
	}{
		"of a companion": {
			map[string]string{requirements: "six", "requirements-dev.txt": "-r requirements.txt\nMy_Lint==3\nmock"},
			"-r requirements.txt six mock",
		},
		"of a companion that includes nothing": {
			map[string]string{requirements: "six", "requirements-dev.txt": "My_Lint==3\nmock\n"},
			"-r requirements.txt mock",
		},
		"of a group": {
			map[string]string{"pyproject.toml": "[project]\nname='x'\ndependencies=['six']\n[dependency-groups]\n" +
				"dev=['my-lint', 'mock']"},
			"six mock",
		},
		"of requirements.txt": {map[string]string{requirements: "my-lint"}, ""},
		"of both":             {map[string]string{requirements: "my-lint", "requirements-dev.txt": "my-lint"}, ""},
		"of the project itself": {
			map[string]string{"pyproject.toml": "[project]\nname='x'\ndependencies=['my-lint']"},
			"",
		},
		"imported by a test": {
			map[string]string{
				requirements:           "six",
				"requirements-dev.txt": "my-lint",
				"tests/test_a.py":      "import My_Lint.x\n",
			},
			"",
		},
		"with hashes": {
			map[string]string{requirements: "six", "requirements-dev.txt": "my-lint==1 --hash=sha256:00"},
			"",
		},
		"nobody's": {map[string]string{requirements: "six", "requirements-dev.txt": "mock"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			plan := detect(t, c.files)
			before := Lines(plan.Install)
			said, ok := plan.LeaveOut("my-lint")
			if ok != (c.want != "") || ok != strings.HasPrefix(said, "my-lint is left out: ") {
				t.Fatalf("got %t, %q", ok, said)
			}
			want := EnvPython + " -I -u -m pip install " + c.want
			if !ok {
				want = before
			}
			if got := Lines(plan.Install); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if _, again := plan.LeaveOut("my-lint"); again {
				t.Error("it is left out twice")
			}
		})
	}
}
