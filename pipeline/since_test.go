package pipeline_test

import (
	"slices"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/environment"
	"vivarium/sandbox/egress/egresstest"
)

// TestFailureOfSameCodeNamesTheDependencyThatChanged: the index has a newer version at the second
// build of one commit.
func TestFailureOfSameCodeNamesTheDependencyThatChanged(t *testing.T) {
	w := theWorld(t)
	w.index.Add(egresstest.Wheel("moody", "1.0", map[string]string{"moody.py": "MOOD = 'good'\n"}))
	commit := w.commit(t, map[string]string{
		"requirements.txt": "moody\n",
		"test_mood.py": "import moody, unittest\n\nclass T(unittest.TestCase):\n    def test_mood(self):\n" +
			"        self.assertEqual(moody.MOOD, 'good')\n",
	})
	green, _ := w.run(t, w.request(commit))
	wantCause(t, green, "")
	was := green.Environment
	if !was.Listed || !slices.Contains(was.Packages, environment.Package{Name: "moody", Version: "1.0"}) ||
		!slices.ContainsFunc(was.Packages, func(p environment.Package) bool { return p.Name == "pip" }) {
		t.Errorf("installed: %+v", was.Packages)
	}
	if was.Image.Name == "" || was.Image.ID == "" || was.Image.Python == "" || len(was.Tree) != 40 || was.Plan == "" {
		t.Errorf("the environment is %+v", was)
	}

	w.index.Add(egresstest.Wheel("moody", "1.1", map[string]string{"moody.py": "MOOD = 'bad'\n"}))
	again := w.request(commit)
	again.Green = &environment.Green{Build: 41, SHA: commit.SHA, Environment: was}
	red, l := w.run(t, again)
	wantCause(t, red, pipeline.CauseTests)
	const since = "same code as build 41, which passed; moody 1.0 → 1.1; "
	wantText(t, red.Summary, since+"test_mood.T.test_mood: 'bad' != 'good'")
	wantText(t, l.step(pipeline.StepTest), since)
	if red.Green != 41 {
		t.Errorf("compared with build %d", red.Green)
	}

	// The control: of other code the sentence says nothing of the packages.
	again.Green.SHA, again.Green.Environment.Tree = "0123", "4567"
	other, _ := w.run(t, again)
	if other.Summary != red.Summary[len(since):] {
		t.Errorf("got %q of other code", other.Summary)
	}
}

func TestPackagesOfAFailedInstallationAreNotKnown(t *testing.T) {
	o, _ := build(t, map[string]string{"requirements.txt": "not-there-at-all==1\n", "test_it.py": "import unittest\n"})
	wantCause(t, o, pipeline.CauseInstall)
	if o.Environment.Listed || len(o.Environment.Packages) > 0 {
		t.Errorf("got %+v", o.Environment.Packages)
	}
}

// TestUnreadablePackagesAreNotKnownAndFailNothing: they are the repository's to spoil, once its setup.py
// runs.
func TestUnreadablePackagesAreNotKnownAndFailNothing(t *testing.T) {
	requireBuildTools(t)
	const spoil = `import glob, os, setuptools.command.develop as d
from setuptools import setup
class Spoil(d.develop):
    def run(self):
        super().run()
        for lib in glob.glob("/opt/vivarium/env/lib/python3*"):
            os.symlink("/nowhere", lib + "/new")
            os.rename(lib + "/site-packages", lib + "/kept")
            os.rename(lib + "/new", lib + "/site-packages")
setup(name="spoiler", version="1", py_modules=["spoiler"], cmdclass={"develop": Spoil})
`
	o, _ := build(t, map[string]string{
		"setup.py": spoil, "spoiler.py": "",
		"test_it.py": "import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\n",
	})
	t.Logf("%s: %s", o.State, o.Summary)
	if o.State == pipeline.Errored || o.Environment.Listed {
		t.Errorf("state %s, cause %s, listed %v", o.State, o.Cause, o.Environment.Listed)
	}
}
