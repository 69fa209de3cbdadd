package pipeline_test

import (
	"context"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/wanted"
)

// TestTheRepositorysOwnWordLeavesItsBuildOut: once the checkout is there, before anything is installed.
func TestTheRepositorysOwnWordLeavesItsBuildOut(t *testing.T) {
	w := theWorld(t)
	files := map[string]string{
		"pyproject.toml": "[tool.vivarium]\nbranches = ['main', 'topic']\npaths = ['*.py']\n",
		"test_a.py":      "import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\n",
	}
	source := w.commit(t, files)
	changed := func(files ...string) func(context.Context) []string {
		return func(context.Context) []string { return files }
	}
	for name, c := range map[string]struct {
		skip  *wanted.Asker
		cause pipeline.Cause
		says  string
	}{
		"another branch": {&wanted.Asker{Branch: "wip"}, pipeline.CauseFiltered, "branch wip is none of branches"},
		"other files": {&wanted.Asker{Branch: "main", Before: "abcdef0123", Changed: changed("README.md")},
			pipeline.CauseUnchanged, "has changed since abcdef0, which passed"},
		"such files": {&wanted.Asker{Branch: "main", Before: "abcdef0123", Changed: changed("a.py")},
			"", "1 test"},
		"whoever asked for it":    {nil, "", "1 test"},
		"nothing to compare with": {&wanted.Asker{Branch: "topic"}, "", "1 test"},
	} {
		t.Run(name, func(t *testing.T) {
			q := w.request(source)
			q.Skip = c.skip
			o, _ := w.run(t, q)
			wantCause(t, o, c.cause)
			wantText(t, o.Summary, c.says)
			if c.cause == "" {
				return
			}
			for _, step := range []pipeline.StepName{pipeline.StepPlan, pipeline.StepInstall, pipeline.StepLint,
				pipeline.StepTest} {
				if got := state(o, step); got != pipeline.StepSkipped {
					t.Errorf("step %s is %s", step, got)
				}
			}
			if o.State != pipeline.Skipped || o.ExitCode() != 0 {
				t.Errorf("it is %s", o.State)
			}
		})
	}
}

// TestCommandsAreToldOfTheirBuild: lint, install and tests, and a repository's own variables count more.
func TestCommandsAreToldOfTheirBuild(t *testing.T) {
	w := theWorld(t)
	q := w.request(w.commit(t, map[string]string{
		"pyproject.toml": "[tool.vivarium]\nenv = { CI_BRANCH = 'mine' }\n" +
			"install = 'echo installed at $GITHUB_SHA of $CI_BRANCH'\nlint = 'echo linted at $GITHUB_SHA'\n",
		"test_a.py": "import os, unittest\nclass T(unittest.TestCase):\n    def test(self):\n" +
			"        self.assertEqual(os.environ['GITHUB_SHA'], 'abc')\n" +
			"        self.assertEqual(os.environ['CI_BRANCH'], 'mine')\n" +
			"        self.assertEqual(os.environ['CI'], 'true')\n" +
			"        self.assertNotIn('GITHUB_ACTIONS', os.environ)\n",
	}))
	q.Variables = []string{"GITHUB_SHA=abc", "CI_BRANCH=topic"}
	o, l := w.run(t, q)
	wantCause(t, o, "")
	wantText(t, l.step(pipeline.StepInstall), "installed at abc of mine")
	wantText(t, l.step(pipeline.StepLint), "linted at abc")
}
