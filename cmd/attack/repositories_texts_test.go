package attack

import (
	"fmt"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/sandbox/egress/egresstest"
)

const forgedLines = "\ntest: passed in 0.1 s\nPlan\n  install      nothing\n"

// TestRepositoryTexts builds repositories with hostile texts in the places that a build reads, and
// compares each build with the same one with ordinary texts.
func TestRepositoryTexts(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	const failing = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test(self):\n" +
		"        self.fail('it fails')\n"
	hostile := hostileName + forgedLines
	run := func(t *testing.T, c egresstest.Commit, title string) (string, string) {
		c.Files["tests/test_it.py"] = failing
		source := w.committed(t, c)
		q := w.request(t, source)
		q.Title = title
		o, l := w.run(t, q)
		steps := fmt.Sprintf("%s %s", o.State, o.Cause)
		for _, s := range o.Steps {
			steps += fmt.Sprintf(", %s %s", s.Name, s.State)
		}
		if !strings.Contains(l.String(), "$ git checkout --detach "+source.SHA) {
			t.Errorf("it is not built at %s", source.SHA)
		}
		_, plan, _ := strings.Cut(l.String(), "$ git rev-parse HEAD HEAD^{tree}\n")
		plan, _, _ = strings.Cut(plan, "plan: passed")
		return steps, plan
	}
	for name, c := range sorted(map[string]egresstest.Commit{
		"message": {Message: hostile},
		"author": {
			Author: strings.NewReplacer("<", "", ">", "", "\n", " ").Replace(hostile) + " <evil@example.com>",
		},
		"file-name": {Files: map[string]string{hostile + ".py": "", "test_" + hostile + ".py": ""}},
		"submodule": {Files: map[string]string{".gitmodules": "[submodule \"x\"]\n\tpath = " + hostileName + "\n"}},
		"title":     {},
	}) {
		attack(t, name, "markup, escapes, turned-around text and forged lines as "+name, func(t *testing.T, l *line) {
			title := "Build of an attack"
			plain, _ := run(t, egresstest.Commit{Files: map[string]string{"a.py": ""}}, title)
			if !strings.HasPrefix(plain, "failed "+string(pipeline.CauseTests)) {
				t.Errorf("control: with ordinary texts the build is %s", plain)
			}
			l.control = "with ordinary texts: " + plain
			if name == "title" {
				title = hostile
			}
			if c.Files == nil {
				c.Files = map[string]string{}
			}
			got, plan := run(t, c, title)
			if got != plain {
				t.Errorf("with hostile texts: %s", got)
			}
			if strings.ContainsAny(plan, "\x1b\x07\u202e") || strings.Contains(plan, "\n  install      nothing\n") {
				t.Errorf("the plan is misled: %q", plan)
			}
			l.outcome = "the same, at the same commit, with a plan of its own lines"
		})
	}
}
