package pipeline_test

import (
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
)

// suiteOf is a repository with one file of tests.
func suiteOf(body string) map[string]string {
	return map[string]string{"tests/__init__.py": "", "tests/test_a.py": "import os, sys, unittest\n" + body}
}

const twoTests = `
class A(unittest.TestCase):
    def test_a(self):
        pass

    def test_b(self):
        %s

    def test_c(self):
        pass
`

func withTest(body string) map[string]string {
	return suiteOf(strings.Replace(twoTests, "%s", body, 1))
}

func TestResultsAreReportedAsTestsEnd(t *testing.T) {
	o, l := build(t, withTest("self.assertEqual(90, 100)"))
	wantCause(t, o, pipeline.CauseTests)
	if want := "tests.test_a.A.test_b: 90 != 100 (tests/test_a.py:8)"; o.Summary != want {
		t.Errorf("summary %q, want %q", o.Summary, want)
	}
	want := map[string]results.Outcome{
		"tests.test_a.A.test_a": results.Passed, "tests.test_a.A.test_b": results.Failed,
		"tests.test_a.A.test_c": results.Passed,
	}
	if len(l.tests) != len(want)+1 || l.tests[len(want)].Again != results.Always { // the red one is tried again
		t.Errorf("got %+v", l.tests)
	}
	for _, test := range l.tests {
		if test.Outcome != want[test.ID] {
			t.Errorf("%s: %s, want %s", test.ID, test.Outcome, want[test.ID])
		}
	}
	if r := o.Results; r.Passed != 2 || r.Failed != 1 || r.Tampered {
		t.Errorf("results %+v", r)
	}
}

// TestAFalseGreenIsRed holds for the usual ways to hide a red test. The control is a green suite.
func TestAFalseGreenIsRed(t *testing.T) {
	green, _ := build(t, withTest("pass"))
	if green.State != pipeline.Passed || !strings.HasPrefix(green.Summary, "3 tests in ") {
		t.Fatalf("the control: %s %q", green.State, green.Summary)
	}
	red := `
class A(unittest.TestCase):
    def test_a(self):
        self.assertEqual(1, 2)
`
	for name, c := range map[string]struct {
		files map[string]string
		says  string
	}{
		"os._exit(0) in a test": {withTest("os._exit(0)"), "tests.test_a.A.test_b ended Python with exit code 0"},
		"os._exit(0) at import": {suiteOf("os._exit(0)\n" + red), "did not come to its end"},
		"assertEqual is patched": {
			suiteOf("unittest.TestCase.assertEqual = lambda *a: None\n" + red), "tampered",
		},
		"run is patched": {
			suiteOf("unittest.TestCase.run = lambda self, result: (result.startTest(self), result.addSuccess(self), " +
				"result.stopTest(self))\n" + red),
			"tampered",
		},
		"the suite is patched": {
			suiteOf("unittest.TestSuite.run = lambda self, result, debug=False: result\n" + red), "",
		},
		"addFailure is patched": {
			suiteOf("unittest.TestResult.addFailure = lambda *a: None\n" +
				"unittest.TextTestResult.addFailure = lambda *a: None\n" + red),
			"",
		},
		"wasSuccessful is patched": {
			suiteOf("unittest.TestResult.wasSuccessful = lambda self: True\n" + red), "1 != 2",
		},
		"the runner is patched": {
			suiteOf("class R:\n    def wasSuccessful(self): return True\n" +
				"unittest.TextTestRunner.run = lambda self, test: R()\n" + red),
			"",
		},
		"a forged summary": {
			suiteOf(red + "\n    def test_b(self):\n        print('\\nRan 1 test in 0.0s\\n\\n" +
				"OK', file=sys.stderr); os._exit(0)\n"),
			"tests.test_a.A.test_b",
		},
		"load_tests returns nothing": {
			suiteOf(red + "\ndef load_tests(*a):\n    return unittest.TestSuite()\n"), "no tests",
		},
		"sys.exit(0) at import": {suiteOf("sys.exit(0)\n" + red), "SystemExit"},
		"sys.exit(0) in a test": {withTest("sys.exit(0)"), "SystemExit"},
		"KeyboardInterrupt":     {withTest("raise KeyboardInterrupt"), "tests.test_a.A.test_b ended Python"},
		"a namesake of a module": {
			map[string]string{"mmap.py": "", "_json.py": "", "tests/test_a.py": "import unittest\n" + red}, "1 != 2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := build(t, c.files)
			if o.State != pipeline.Failed || !strings.Contains(o.Summary, c.says) {
				t.Errorf("%s, %q; want failed, %q", o.State, o.Summary, c.says)
			}
		})
	}
}

func TestAGreenSuiteStaysGreen(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"stderr is silenced at import": suiteOf(
			"sys.stderr = open(os.devnull, 'w')\n" + strings.Replace(twoTests, "%s", "pass", 1),
		),
		"stderr is closed by a test": withTest("os.close(2)"),
		"descriptors are closed":     withTest("os.closerange(3, 1000)"),
		"a daemon is played":         withTest("import time; os.closerange(3, 256); time.sleep(0.5)"),
		"names are long": suiteOf(`
class A(unittest.TestCase):
    def test_a(self):
        with self.subTest(data="x" * 70000):
            self.skipTest("not here")

    def test_z(self):
        pass

setattr(A, "test_" + "é" * 70000, lambda self: None)
`),
		"an exception compares with nothing": suiteOf(`
class E(Exception):
    def __eq__(self, other):
        raise ValueError("ambiguous")

class A(unittest.TestCase):
    @unittest.expectedFailure
    def test_a(self):
        raise E from E()
`),
		"tearDownClass works once": suiteOf(`
class A(unittest.TestCase):
    was_torn_down = False

    @classmethod
    def tearDownClass(cls):
        if cls.was_torn_down:
            print("TORN DOWN TWICE", flush=True)
            os._exit(3)
        cls.was_torn_down = True

    def test_a(self):
        pass
`),
		"all are skipped": withTest("pass\ndef setUpModule():\n    raise unittest.SkipTest('not here')\n"),
	} {
		t.Run(name, func(t *testing.T) {
			if o, _ := build(t, files); o.State != pipeline.Passed {
				t.Errorf("%s, %q", o.State, o.Summary)
			}
		})
	}
}

// TestASocketOfTheTestsIsLeftAlone: where the report's own was, the tests may have put one of theirs.
func TestASocketOfTheTestsIsLeftAlone(t *testing.T) {
	files := suiteOf(`
import socket

class A(unittest.TestCase):
    def test_a(self):
        A.near, A.far = socket.socketpair()
        for fd in range(3, 2000):
            if os.path.exists("/proc/self/fd/%d" % fd) and fd not in (A.near.fileno(), A.far.fileno()):
                if os.readlink("/proc/self/fd/%d" % fd).startswith("socket:"):
                    A.kept = os.dup(fd)
                    os.dup2(A.near.fileno(), fd)
                    break
        self.fail("there is a socket" if A.kept else "")

    def test_b(self):
        with self.assertRaises(BlockingIOError):
            A.far.recv(1, socket.MSG_DONTWAIT)
`)
	files["pyproject.toml"] = "[tool.vivarium]\ntest_timeout = \"3s\"\n"
	o, _ := build(t, files)
	wantCause(t, o, pipeline.CauseTests)
	wantText(t, o.Summary, "tests.test_a.A.test_a: there is a socket")
	if r := o.Results; r.Failed != 1 || r.Passed != 1 {
		t.Errorf("results %+v", r)
	}
}

func TestACrashNamesTheTestAndKeepsTheResults(t *testing.T) {
	o, l := build(t, withTest("import ctypes; ctypes.string_at(0)"))
	wantCause(t, o, pipeline.CauseTests)
	const want = "tests.test_a.A.test_b ended Python by SIGSEGV (tests/test_a.py:8); 1 test was not reached"
	if o.Summary != want || len(l.tests) != 1 || l.tests[0].Outcome != results.Passed {
		t.Errorf("summary %q, results %+v; want %q", o.Summary, l.tests, want)
	}
	if r := o.Results; r.Crashed != "tests.test_a.A.test_b" || len(r.Unreached) != 1 ||
		r.Unreached[0] != "tests.test_a.A.test_c" {
		t.Errorf("results %+v", r)
	}
}

func TestATestThatHangsIsNamed(t *testing.T) {
	files := withTest("import time; time.sleep(600)")
	files["pyproject.toml"] = "[tool.vivarium]\ntest_timeout = \"3s\"\nhash_seed = 42\n"
	o, l := build(t, files)
	wantCause(t, o, pipeline.CauseTimeout)
	const want = "tests.test_a.A.test_b hangs: it took longer than 3 s (tests/test_a.py:8); 1 test was not reached"
	if o.Summary != want {
		t.Errorf("summary %q, want %q", o.Summary, want)
	}
	if r := o.Results; r.Hung != "tests.test_a.A.test_b" || r.Passed != 1 || r.Seed != "42" {
		t.Errorf("results %+v", r)
	}
	wantText(t, l.step(pipeline.StepTest), "in test_b", "hash seed of Python: 42")
}

// TestARunWhoseReportIsCutOffEnds: PID 1 listens no more to who breaks its protocol, and nobody
// empties the ring from then on. The run must not wait for room in it for ever.
func TestARunWhoseReportIsCutOffEnds(t *testing.T) {
	o, _ := build(t, suiteOf(`
class A(unittest.TestCase):
    def test_0(self):
        for fd in range(3, 2000):
            try:
                os.write(fd, b"X")
            except OSError:
                pass

for i in range(1, 4000):
    setattr(A, "test_%d_%s" % (i, "x" * 400), lambda self: None)
`))
	if o.State != pipeline.Failed || o.Cause == pipeline.CauseTimeout {
		t.Errorf("%s %s, %q", o.State, o.Cause, o.Summary)
	}
}
