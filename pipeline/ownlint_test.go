package pipeline_test

import (
	"strings"
	"testing"

	"vivarium/pipeline"
)

// TestOwnLintRunsBesideTheContract: neither can take the other's place, and both stand in one step.
func TestOwnLintRunsBesideTheContract(t *testing.T) {
	const green = "import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\n"
	for name, c := range map[string]struct {
		files   map[string]string
		cause   pipeline.Cause
		summary string
	}{
		"both are content": {map[string]string{
			"pyproject.toml": "[tool.vivarium]\nlint = 'test -d .git && echo looked at it'\n",
		}, "", "by the repository's own lint in [tool.vivarium]"},
		"its own is not": {map[string]string{
			"pyproject.toml": "[tool.vivarium]\nlint = [\"echo 'a.py:3:1: X1 no good'; exit 1\", 'echo looked at it']\n",
		}, pipeline.CauseLint, "a.py:3"},
		"the contract is not": {map[string]string{
			"pyproject.toml": "[tool.vivarium]\nlint = 'echo looked at it'\n", "a.py": "nowhere\n",
		}, pipeline.CauseLint, "undefined name 'nowhere'"},
		"it has what is installed": {map[string]string{
			"pyproject.toml":   "[tool.vivarium]\nlint = 'python -c \"import greeter\" && echo looked at it'\n",
			"requirements.txt": "greeter\n",
		}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.files["test_it.py"] = green
			o, l := build(t, c.files)
			wantCause(t, o, c.cause)
			wantText(t, o.Summary, c.summary)
			wantText(t, l.step(pipeline.StepLint), "flake8", "looked at it\n")
			if n := strings.Count(l.step(pipeline.StepLint), "\nlint: "); n != 1 {
				t.Errorf("the step says %d times how it ended", n)
			}
			if state(o, pipeline.StepTest) != pipeline.StepPassed {
				t.Error("the tests did not run")
			}
		})
	}
}
