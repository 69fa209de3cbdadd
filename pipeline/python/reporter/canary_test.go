package reporter

import (
	"os/exec"
	"strings"
	"testing"
)

// standIn has what the canary uses of pytest, and a plug-in that wants a fixture which our item
// lacks, as pytest-asyncio does in a module that is marked for it.
const standIn = `
import sys, types, warnings

class CallInfo:
    excinfo = None
    @classmethod
    def from_call(cls, function, when):
        call = cls()
        try:
            function()
        except BaseException as e:
            call.excinfo = e
        return call

runner = types.ModuleType("_pytest.runner")
runner.CallInfo = CallInfo
sys.modules["_pytest"], sys.modules["_pytest.runner"] = types.ModuleType("_pytest"), runner

class Item:
    def __init__(self, run=None):
        self.run = run
        self.ihook = self
    @classmethod
    def from_parent(cls, parent, name, callobj):
        return cls(callobj)
    def getparent(self, kind):
        return self
    def runtest(self):
        plugin()
        self.run()
    def pytest_runtest_makereport(self, item, call):
        return types.SimpleNamespace(outcome=makes(call))

plain = lambda call: "failed" if call.excinfo else "passed"
plugin, makes = lambda: None, plain

space = {"__name__": "__vivarium__", "sys": sys}
exec(sys.argv[1], space)
told = types.SimpleNamespace(record=lambda event, **members: print(members))
canary = space["Pytest"](told, types.SimpleNamespace(Function=Item, Module=Item)).canary
session = types.SimpleNamespace(items=[Item()])
`

// TestCanaryOfPytestTellsHooksThatBendFromThoseThatMissAFixture runs the canary on this machine.
func TestCanaryOfPytestTellsHooksThatBendFromThoseThatMissAFixture(t *testing.T) {
	const right = "{'passes': 'passed', 'fails': 'failed'}"
	for name, c := range map[string]struct{ set, want string }{
		"no plug-in":              {"", right},
		"a fixture is missing":    {"def plugin(): {}['event_loop']", right},
		"a warning is an error":   {"def plugin(): warnings.warn('marked')\nwarnings.simplefilter('error')", right},
		"reports say it passed":   {"makes = lambda call: 'passed'", "{'passes': 'passed', 'fails': 'passed'}"},
		"reports are turned over": {"makes = lambda call: 'failed'", "{'passes': 'failed', 'fails': 'failed'}"},
	} {
		script := standIn + c.set + "\ncanary(session)\n"
		out, err := exec.CommandContext(t.Context(), "python3", "-c", script, pytests).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
		}
	}
}
