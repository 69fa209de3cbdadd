package reporter

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// between has tests between which code of the repository's own prints, in each way that there is.
const between = `
import os, sys, unittest

def say(text):
    os.write(2, (text + "\n").encode())

def setUpModule():
    say("module is set up")
    unittest.addModuleCleanup(say, "module is cleaned up")

def tearDownModule():
    say("module is torn down")

class Fixtures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        say("class is set up")
        cls.addClassCleanup(say, "class is cleaned up")

    @classmethod
    def tearDownClass(cls):
        say("class is torn down")
        sys.stderr.flush()
        if os.fork() == 0:
            os._exit(0)

    def test_a(self):
        say("in a")

    def test_b(self):
        """has a description"""

    @unittest.skip("so that one is skipped among the others")
    def test_c(self):
        pass

    def test_d(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertNotEqual(n, 1)

class Plain(unittest.TestCase):
    def test_a(self):
        pass

    @unittest.expectedFailure
    def test_b(self):
        self.fail()

    def test_c(self):
        pass

class Goes:
    def __del__(self):
        say("an attribute goes")

class Attribute(unittest.TestCase):
    def test_a(self):
        self.kept = Goes()

    def test_b(self):
        pass

class Runs(unittest.TestCase):
    def run(self, result=None):
        super().run(result)
        say("its own run is over")

    def test_a(self):
        pass

class Calls(unittest.TestCase):
    def __call__(self, result=None):
        super().__call__(result)
        say("its own call is over")

    def test_a(self):
        pass

class Asynchronous(unittest.IsolatedAsyncioTestCase):
    async def test_a(self):
        pass
`

const suiteOfItsOwn = `
import os, unittest

class Suite(unittest.TestSuite):
    def run(self, result, debug=False):
        os.write(2, b"a suite begins\n")
        super().run(result, debug)
        os.write(2, b"a suite is over\n")
        return result

class A(unittest.TestCase):
    def test_a(self):
        pass

    def test_b(self):
        pass

def load_tests(loader, tests, pattern):
    return Suite(tests)
`

// A record or a line that waits for the next test must not be overtaken by what the repository's own
// code prints between the two.
func TestOutputOfReportedTestsIsThatOfPlainUnittest(t *testing.T) {
	for name, module := range map[string]string{"between": between, "suite": suiteOfItsOwn} {
		for _, verbose := range []string{"-v", "-q", "-b"} {
			arguments := []string{"discover", verbose}
			plain := pythonIn(t, module, append([]string{"-m", "unittest"}, arguments...)...)
			reported := pythonIn(t, module, Command("python3", nil, Unittest, arguments)[1:]...)
			if reported != plain || !strings.Contains(plain, "Ran ") {
				t.Errorf("%s %s: reported:\n%s\nplain:\n%s", name, verbose, reported, plain)
			}
		}
	}
}

// took is what differs from run to run.
var took = regexp.MustCompile(`,"d":[0-9]+e-9| in [0-9.]+s`)

// pythonIn runs python3 on this machine beside a module of tests, and gives what it prints, however
// it ends.
func pythonIn(t *testing.T, module string, arguments ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "test_it.py"), []byte(module), 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "python3", arguments...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Fatal(err)
	}
	return took.ReplaceAllString(strings.ReplaceAll(string(out), dir, ""), "")
}
