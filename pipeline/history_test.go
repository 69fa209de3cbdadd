package pipeline_test

import (
	"testing"

	"vivarium/pipeline"
	"vivarium/sandbox/egress/egresstest"
)

// askGit is a test that wants to know of git what it knows of the commit.
const askGit = `import subprocess
import unittest


def git(*args):
    return subprocess.check_output(("git",) + args, text=True).strip()


class T(unittest.TestCase):
    def test_describe(self):
        self.assertRegex(git("describe", "--tags", "--dirty"), "^v1.2-1-g[0-9a-f]+$")

    def test_history(self):
        self.assertEqual(git("rev-list", "--count", "HEAD"), "2")

    def test_refs(self):
        self.assertEqual(git("for-each-ref", "--format=%(refname)"), "refs/tags/v1.2")
`

func TestHistoryAndTagsAreThereWhereTheVersionNeedsThem(t *testing.T) {
	w := theWorld(t)
	build := func(t *testing.T, name, pyproject string) (pipeline.Outcome, *log) {
		t.Helper()
		shas, err := w.host.Commit(t.Context(), name,
			egresstest.Commit{Files: map[string]string{"old.txt": "what was there before"}, Tag: "v1.2"},
			egresstest.Commit{Files: map[string]string{"test_git.py": askGit, "pyproject.toml": pyproject}},
			egresstest.Commit{Branch: "side", Files: map[string]string{"x": ""}, Tag: "v9"})
		if err != nil {
			t.Fatal(err)
		}
		git := pipeline.Git{URL: w.host.RepoURL(name), SHA: shas[1], Tokens: pipeline.FixedToken(gitToken)}
		return w.run(t, w.request(git))
	}
	o, l := build(t, "test/history", "[tool.vivarium]\nhistory = true\n")
	wantCause(t, o, "")
	wantText(t, o.Summary, "3 tests")
	wantText(t, l.step(pipeline.StepPlan), "with tags and history: [tool.vivarium] asks for them")

	o, l = build(t, "test/nohistory", "")
	wantCause(t, o, pipeline.CauseTests) // the control: git does not know of itself
	wantText(t, l.step(pipeline.StepPlan), "not fetched  tags and history")
}
