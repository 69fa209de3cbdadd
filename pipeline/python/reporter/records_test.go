package reporter

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// loaded has the program's names in space, as start.py makes them, and has run none of it.
const loaded = `
import os, posix, sys

del sys.path[0]
exec(sys.argv.pop(1))
space = {"__name__": "__vivarium__", "sys": sys, "later": [later]}
exec(source, space)
`

// withRecords runs a suite whose records are printed amid its output.
const withRecords = loaded + `
class Printed(space["Nowhere"]):
    def write(self, line):
        os.write(2, line.encode())

space["open_channel"] = Printed
space["main_unittest"]()
`

func TestRecordsOutliveACrashWhereverItIs(t *testing.T) {
	const (
		head   = "import os, unittest\nclass A(unittest.TestCase):\n"
		tests  = "    def test_a(self): pass\n    def test_b(self): pass\n    def test_c(self): %s\n"
		passed = `{"e":"end","o":"passed"}`
		start  = `{"e":"start","id":"test_it.A.test_`
		two    = start + "a\"}\n" + passed + "\n" + start + "b\"}\n" + passed + "\n" + start + "c\"}\n"
	)
	const dies = "os.kill(os.getpid(), 9)"
	for name, c := range map[string]struct{ third, after, want string }{
		"in a test":       {dies, "", two},
		"after a class":   {"pass", "    tearDownClass = lambda: " + dies, two + passed + "\n"},
		"after a module":  {"pass", "def tearDownModule(): " + dies, two + passed + "\n"},
		"between classes": {"pass", "class B(A):\n    setUpClass = lambda: " + dies, two + passed + "\n"},
	} {
		module := head + strings.Replace(tests, "%s", c.third, 1) + c.after
		out := pythonIn(t, module, "-c", withRecords, sources[Unittest], "discover", "-v")
		var records strings.Builder
		for _, record := range startOrEnd.FindAllString(out, -1) {
			records.WriteString(record + "\n")
		}
		if got := records.String(); got != c.want {
			t.Errorf("%s: records\n%swant\n%s", name, got, c.want)
		}
	}
}

func TestPlanNamesTestsOfAnyName(t *testing.T) {
	const module = `
import unittest
class A(unittest.TestCase):
    pass
for n in range(3000):
    setattr(A, "test_%04d" % n, lambda self: None)
for name in ("test_\"quoted\"", "test_\\back", "test_\nline", "test_ä", "test_" + "long" * 20000):
    B = type("B%d" % len(name), (unittest.TestCase,), {name: lambda self: None, "test_b": lambda self: None})
    globals()[B.__name__] = B
`
	const reads = `
import json, sys
planned, started = [], []
for line in open(0, encoding="utf-8", errors="replace"):
    if line.startswith('{"e":'):
        assert len(line) <= 60000, len(line)
        r = json.loads(line)
        if r["e"] == "plan":
            planned += [(r["in"] + name)[:1000] for name in r["tests"]]
        if r["e"] == "start":
            started.append(r["id"][:1000])
assert planned == started and len(planned) == 3010, (len(planned), len(started))
print("the plan is what ran")
`
	out := pythonIn(t, module, "-c", withRecords, sources[Unittest], "discover", "-q")
	command := exec.CommandContext(t.Context(), "python3", "-c", reads)
	command.Stdin = strings.NewReader(out)
	if told, err := command.CombinedOutput(); err != nil || string(told) != "the plan is what ran\n" {
		t.Errorf("%v: %s", err, told)
	}
}

var startOrEnd = regexp.MustCompile(`{"e":"(start|end)".*}`)

// countsWrites runs a suite whose writes, as records and as output, are counted.
const countsWrites = loaded + `
records, prints, write = [], [], posix.write

class Counted(space["Nowhere"]):
    def write(self, line):
        records.append(line)

def put(file, data):
    prints.append(data)
    return write(file, data)

posix.write = put
space["open_channel"] = Counted
try:
    space["main_unittest"]()
finally:
    print("FEW" if len(records) < 520 and len(prints) < 520 else "MANY", len(records), len(prints))
`

func TestAPlainTestThatPassesCostsOneRecordAndOneWrite(t *testing.T) {
	const module = "import unittest\nclass A(unittest.TestCase):\n" +
		"    def %s(self): pass\nfor n in range(500): setattr(A, 'test_%%d' %% n, A.test_0)\n"
	for name, c := range map[string]struct{ method, want string }{
		"no attributes":   {"test_0", "FEW"},
		"with attributes": {"setUp(self): self.kept = []\n    def test_0", "MANY"},
	} {
		out := pythonIn(t, fmt.Sprintf(module, c.method), "-c", countsWrites, sources[Unittest], "discover", "-v")
		if !strings.Contains(out, c.want+" ") || !strings.Contains(out, "Ran 500 tests") {
			t.Errorf("%s: %.300s", name, out[max(0, len(out)-300):])
		}
	}
}
