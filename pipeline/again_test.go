package pipeline_test

import (
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
)

// flaky fails when it runs for the first time in a sandbox.
const flaky = `import os, unittest
class T(unittest.TestCase):
    def test_chance(self):
        try:
            os.mkdir("/tmp/ran-before")
        except FileExistsError:
            return
        self.fail("the first time")
`

// leaks is a suite of which one test fails after another one.
const leaks = `import unittest
seen = []
class A(unittest.TestCase):
    def test_a(self): pass
    def test_b(self): seen.append(1)
    def test_c(self): pass
    def test_d(self): pass
class Z(unittest.TestCase):
    def test_z(self): self.assertEqual(seen, [])
`

func TestFailedTestsAreTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		file    string
		again   results.Again
		after   string
		summary string
		log     string
	}{
		"by chance": {
			flaky, results.Flaky, "", "test_a.T.test_chance: flaky: passed when tried again alone: the first time",
			"test_a.T.test_chance: flaky: passed when tried again alone\n",
		},
		"by order": {
			leaks, results.Order, "test_a.A.test_b", "test_a.Z.test_z: fails only after test_a.A.test_b",
			"test_a.Z.test_z: fails only after test_a.A.test_b\n",
		},
		"always": {
			"import unittest\nclass T(unittest.TestCase):\n    def test_always(self): self.fail('as ever')\n",
			results.Always, "", "test_a.T.test_always: as ever", "test_a.T.test_always: fails again alone\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, l := build(t, map[string]string{"test_a.py": c.file})
			wantCause(t, o, pipeline.CauseTests)
			wantText(t, o.Summary, c.summary)
			log := l.step(pipeline.StepTest)
			wantText(t, log, "Trying again what failed", c.log)
			if n := strings.Count(log, "\nRan "); n != 1 {
				t.Errorf("the log shows %d runs", n)
			}
			last := l.tests[len(l.tests)-1]
			if last.Again != c.again || last.After != c.after || last.Outcome == results.Passed {
				t.Errorf("recorded last: %+v", last)
			}
		})
	}
}

func TestOperatorsDecideWhatFlakyTestsMean(t *testing.T) {
	w := theWorld(t)
	lets := func(change func(*pipeline.Settings), file string) (pipeline.Outcome, *log) {
		q := w.request(w.commit(t, map[string]string{"test_a.py": file}))
		change(&q.Settings)
		return w.run(t, q)
	}
	passes := func(s *pipeline.Settings) { s.FlakyPasses = true }
	o, _ := lets(passes, flaky)
	if o.State != pipeline.Passed || !strings.Contains(o.Summary, "test_chance: flaky") {
		t.Errorf("with FlakyPasses: %s, %q", o.State, o.Summary)
	}
	o, _ = lets(passes, leaks) // the control: what fails for a reason still fails
	wantCause(t, o, pipeline.CauseTests)
	o, l := lets(func(s *pipeline.Settings) { s.NoRetries = true }, flaky)
	wantCause(t, o, pipeline.CauseTests)
	if strings.Contains(l.text(), "Trying again") || strings.Contains(o.Summary, "flaky") {
		t.Errorf("with NoRetries: %q", o.Summary)
	}
}

// TestTestsOfOneNameInTwoFoldersAreTwo: each is run, told and tried again by itself.
func TestTestsOfOneNameInTwoFoldersAreTwo(t *testing.T) {
	const always = "import unittest\nclass T(unittest.TestCase):\n    def test_chance(self): self.fail('as ever')\n"
	o, l := build(t, map[string]string{"lesson1/test_x.py": flaky, "lesson2/test_x.py": always})
	wantCause(t, o, pipeline.CauseTests)
	wantText(t, l.step(pipeline.StepTest), "lesson1/test_x.T.test_chance: flaky: passed when tried again alone\n",
		"lesson2/test_x.T.test_chance: fails again alone\n")
	want := []results.Test{
		{Run: 0, ID: "lesson1/test_x.T.test_chance"},
		{Run: 0, ID: "lesson1/test_x.T.test_chance", Again: results.Flaky},
		{Run: 1, ID: "lesson2/test_x.T.test_chance"},
		{Run: 1, ID: "lesson2/test_x.T.test_chance", Again: results.Always},
	}
	if len(l.tests) != len(want) {
		t.Fatalf("recorded %+v", l.tests)
	}
	for i, got := range l.tests {
		if got.Run != want[i].Run || got.ID != want[i].ID || got.Again != want[i].Again {
			t.Errorf("recorded %+v, want %+v", got, want[i])
		}
	}
}

// TestTryingAgainLeavesTheStepsEndAsItWas although the operator's files are put back before each try,
// for which what the run left beside them is removed.
func TestTryingAgainLeavesTheStepsEndAsItWas(t *testing.T) {
	files := map[string]string{"cart.py": "def total(): return 4\n"}
	leaves := operatorsTest + "    def setUp(self): open('tests/left-behind', 'w').close()\n"
	o, l := fixedBuild(t, files, map[string]string{"week1/tests/test_cart.py": leaves}, "")
	wantCause(t, o, pipeline.CauseTests)
	log := l.step(pipeline.StepTest)
	wantText(t, log, "test_cart.T.test_total: fails again alone\n")
	_, after, _ := strings.Cut(log, "Trying again")
	if strings.Contains(after, "$ ") {
		t.Errorf("the log shows a command of a try: %s", after)
	}
	for _, s := range o.Steps {
		if s.Name == pipeline.StepTest && (s.ExitCode == nil || *s.ExitCode != 1) {
			t.Errorf("the step's exit code is %v", s.ExitCode)
		}
	}
}
