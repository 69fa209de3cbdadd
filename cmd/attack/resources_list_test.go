package attack

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/sandbox/egress/egresstest"
	"vivarium/sandbox/quantity"
	"vivarium/server/api"
)

// killGrace is the time between SIGTERM and SIGKILL, with room for the rest of the build's end.
const killGrace = 5 * time.Second

// soon is the timeout that an attack's repository sets itself, so that nobody has to wait for the
// server's.
const soon = 8 * time.Second

// How a summary names what met a limit, as regular expressions: the command, or the test that was
// running where its report came through, which depends on what dies first.
const (
	inTests   = "in `python -m unittest`|^" + theTest + " was running: "
	inInstall = "in `pip install`"
	hangs     = "^" + theTest + " hangs: it took longer than "
	theTest   = `test_attack\.Attack\.test`
)

func only(causes ...pipeline.Cause) []pipeline.Cause { return causes }

// ownBombs are what a repository's own code can do.
func ownBombs(t *testing.T) []bomb { return append(takers(t), stayers(t)...) }

// takers take more than they may have.
func takers(t *testing.T) []bomb {
	call := func(call string, config ...string) map[string]string {
		return hostile(t, call, strings.Join(config, "\n"))
	}
	return []bomb{
		{
			name:    "fork-bomb",
			tried:   "forking in every process, again and again",
			files:   call("fork_bomb(40, 5)", "pids = 128"),
			dose:    call("fork_bomb(3, 5)", "pids = 128"),
			causes:  only(pipeline.CausePidsLimit),
			gvisor:  only(pipeline.CausePidsLimit, pipeline.CauseOutOfMemory, pipeline.CauseEngine),
			summary: []string{"128 limit", inTests},
		},
		{
			name:    "memory-bomb",
			tried:   "taking 2 GiB of memory, again and again",
			files:   call("memory_bomb(2048, 5)"),
			dose:    call("memory_bomb(50, 5)"),
			causes:  only(pipeline.CauseOutOfMemory),
			summary: []string{"256 MiB limit", inTests},
		},
		{
			name:    "many-small-ones",
			tried:   "300 processes that take 4 MiB each",
			files:   call("small_bombs(300, 4, 5)"),
			dose:    call("small_bombs(20, 1, 0.5)"),
			causes:  only(pipeline.CauseOutOfMemory),
			gvisor:  only(pipeline.CauseOutOfMemory, pipeline.CausePidsLimit),
			summary: []string{"256 MiB limit", inTests},
		},
		{
			name:    "disk-filler",
			tried:   "writing 10 GiB to /tmp",
			files:   call("disk_filler('/tmp', 10240)"),
			dose:    call("disk_filler('/tmp', 50)"),
			causes:  only(pipeline.CauseDiskFull),
			summary: []string{"no room left in /tmp", "256 MiB limit", inTests},
		},
		{
			name:    "shm-filler",
			tried:   "writing 10 GiB to /dev/shm",
			files:   call("disk_filler('/dev/shm', 10240)"),
			dose:    call("disk_filler('/dev/shm', 50)"),
			causes:  only(pipeline.CauseDiskFull),
			summary: []string{"no room left in /dev/shm", inTests},
		},
		{
			name:    "inode-bomb",
			tried:   "making a million empty files",
			files:   call("inode_bomb('/tmp', 10 ** 6)"),
			dose:    call("inode_bomb('/tmp', 1000)"),
			causes:  only(pipeline.CauseDiskFull),
			gvisor:  only(pipeline.CauseOutOfMemory),
			summary: []string{"too many files in /tmp", fmt.Sprint(siteInodes, " limit"), inTests},
		},
		{
			name:   "open-files",
			tried:  "opening a million files",
			files:  call("file_bomb(10 ** 6, 5)"),
			dose:   call("file_bomb(500, 5)"),
			causes: only(pipeline.CauseTests),
			check:  logHolds(`EMFILE after [0-9]+ files`),
		},
		{
			name:    "terminals",
			tried:   "opening 4000 pseudo-terminals, of which the machine has 4096",
			files:   call("terminals(4000, 60)"),
			dose:    call("terminals(200, 1)"),
			causes:  only(pipeline.CauseDiskFull),
			gvisor:  only(""),
			summary: []string{"too many pseudo-terminals: 256 limit", inTests},
		},
		{
			name:    "half-closed-terminals",
			tried:   "opening 1000 pseudo-terminals and closing the first end of each",
			files:   call("half_closed_terminals(1000, 60)"),
			dose:    call("half_closed_terminals(200, 1)"),
			causes:  only(pipeline.CauseDiskFull),
			gvisor:  only(""),
			summary: []string{"too many pseudo-terminals: 256 limit", inTests},
		},
		{
			name:    "hidden-terminals",
			tried:   "the same in a process that closes itself to others",
			files:   call("hidden_terminals(1000, 60)"),
			dose:    call("hidden_terminals(200, 1)"),
			causes:  only(pipeline.CauseDiskFull),
			gvisor:  only(""),
			summary: []string{"too many pseudo-terminals: 256 limit", inTests},
		},
		{
			name:   "long-line",
			tried:  "writing one line of half a gibibyte",
			files:  call("one_line(512)", "test_timeout = '60s'"), // at the usual rate of 32 MiB/s
			dose:   call("one_line(4)"),
			causes: only(""),
			check:  storedBound,
		},
		{
			name:    "endless-output",
			tried:   "writing lines without end",
			files:   call("output(10 ** 6)", "log_limit = '160MiB'"),
			dose:    call("output(4)", "log_limit = '160MiB'"),
			causes:  only(pipeline.CauseLogLimit),
			summary: []string{"160 MiB limit", inTests},
			check:   storedBound,
		},
	}
}

// stayers go on when they should have ended.
func stayers(t *testing.T) []bomb {
	timeout := fmt.Sprintf("timeout = %q", patience(t, soon))
	call := func(call string) map[string]string { return hostile(t, call, timeout) }
	dose := func(call string) map[string]string { return hostile(t, call, "") }
	timedOut := []string{hangs + "|^timed out: " + quantity.Duration(patience(t, soon)) + " in `python -m unittest`"}
	return []bomb{
		{
			name:    "spinners",
			tried:   "8 processes that compute for an hour",
			files:   call("spinners(8, 3600)"),
			dose:    dose("spinners(8, 0.5)"),
			causes:  only(pipeline.CauseTimeout),
			summary: timedOut,
			within:  soon + killGrace,
		},
		{
			name:    "deaf-to-signals",
			tried:   "ignoring SIGTERM and all others in two processes",
			files:   call("ignores_signals(3600)"),
			dose:    dose("ignores_signals(0.5)"),
			causes:  only(pipeline.CauseTimeout),
			summary: timedOut,
			within:  soon + killGrace,
		},
		{
			name:    "pressure-triggers",
			tried:   "3000 triggers on /proc/pressure, of which the kernel takes 10 ms each at the end",
			files:   call("pressure_triggers(3000, 3600)"),
			dose:    dose("sleeps(0.5)"),
			causes:  only(pipeline.CauseTimeout),
			summary: timedOut,
			within:  soon + killGrace,
			check:   logHolds(`0 triggers, [A-Z]+`),
		},
		{
			name:    "sleeper",
			tried:   "sleeping for an hour",
			files:   call("sleeps(3600)"),
			dose:    dose("sleeps(0.5)"),
			causes:  only(pipeline.CauseTimeout),
			summary: timedOut,
			within:  soon + killGrace,
		},
		{
			name:    "sleeper-at-import",
			tried:   "sleeping for an hour before any test runs, where no clock of a test does",
			files:   atImport(t, "sleeps(3600)", timeout),
			dose:    atImport(t, "sleeps(0.5)", ""),
			causes:  only(pipeline.CauseTimeout),
			summary: []string{"^timed out: " + quantity.Duration(patience(t, soon)) + " limit for the build, in `python"},
			within:  soon + killGrace,
		},
		{
			name:   "signals-to-pid1",
			tried:  "sending every signal to PID 1, three times, in setup.py and the tests",
			files:  inSetup(t, "signals_to_pid1()", "signals_to_pid1()"),
			dose:   inSetup(t, "sleeps(0)", "sleeps(0)"),
			causes: only(""),
			gvisor: only(pipeline.CauseEngine, pipeline.CauseTimeout),
			check: logHolds(
				`[2-9][0-9] of 6[0-9] signals ended or stopped an ordinary process; [1-9][0-9]* sent to PID 1`),
		},
		{
			name:   "orphans",
			tried:  "10 processes of setup.py, forked twice, in sessions of their own, that live on into the tests",
			files:  inSetup(t, "orphans(10)", "orphans_are_gone()"),
			dose:   inSetup(t, "orphans(1)", "sleeps(0)"),
			causes: only(""),
			check: logHolds(`[1-9][0-9]* beats of the orphans`,
				`[1-9][0-9]* beats before, 0 now; other processes: \[\]`,
				"processes that `pip install` left behind were ended"),
		},
	}
}

// atImport is a repository one of whose test modules makes a call of the attack program.
func atImport(t *testing.T, call, config string) map[string]string {
	files := hostile(t, "sleeps(0)", config)
	files["test_import.py"] = "import resources\nresources." + call + "\n"
	return files
}

// inSetup is a repository whose setup.py makes one call of the attack program, and whose tests make
// another.
func inSetup(t *testing.T, setup, tests string) map[string]string {
	files := hostile(t, tests, "")
	delete(files, "pyproject.toml")
	files["setup.py"] = `import os, subprocess, sys
from setuptools import setup
here = os.path.dirname(os.path.abspath(__file__))
program = "import resources; resources.` + setup + `"
said = subprocess.run([sys.executable, "-c", program], cwd=here, stdout=subprocess.PIPE, check=True).stdout
with open(os.path.expanduser("~/said"), "ab") as f:
    f.write(said)
setup(name="attack", version="1.0", py_modules=[])
`
	files["test_attack.py"] += "\n    def test_a_look_at_what_the_setup_said(self):\n" +
		"        import os\n        print(open(os.path.expanduser('~/said')).read(), flush=True)\n"
	return files
}

// logHolds checks that the log holds what an attack program says of itself.
func logHolds(patterns ...string) func(*testing.T, *site, api.Build) string {
	return func(t *testing.T, s *site, b api.Build) string {
		t.Helper()
		text, said := s.stored(t, b.ID), []string(nil)
		for _, pattern := range patterns {
			found := regexp.MustCompile(pattern).FindString(text)
			if found == "" {
				t.Errorf("the log holds nothing like %q:\n%s", pattern, tail(text))
			}
			said = append(said, found)
		}
		return strings.Join(said, ", ")
	}
}

// storedBound checks that what is kept of the log is within its bound, and that the log tells of
// the gap.
func storedBound(t *testing.T, s *site, b api.Build) string {
	t.Helper()
	text := s.stored(t, b.ID)
	if len(text) > siteStored+2<<20 || len(text) < siteStored/2 { // the end of a step, up to 1 MiB, is kept in addition
		t.Errorf("%d bytes are kept of the log, the bound is %d", len(text), siteStored)
	}
	if !strings.Contains(text, "left out") {
		t.Error("the log does not say that something was left out")
	}
	return fmt.Sprintf("%s of the log are kept", quantity.Bytes(int64(len(text))))
}

// hostBombs are what a git host, an index and the files on it can do.
func (s *site) hostBombs(t *testing.T) []bomb {
	passing := "sleeps(0)"
	requires := func(project string) map[string]string {
		files := hostile(t, passing, "")
		files["requirements.txt"] = project + "\n"
		delete(files, "resources.py")
		files["test_attack.py"] = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test(self):\n" +
			"        pass\n"
		return files
	}
	slow := requires("sdist-bomb") // pip unpacks it twice, the first time only to look at the names
	slow["pyproject.toml"] = fmt.Sprintf("[tool.vivarium]\ntimeout = %q\n", patience(t, 2*soon))
	large := hostile(t, passing, "")
	large["large.bin"] = strings.Repeat(string(packObject()), 20)

	last := egresstest.Wheel("long-page", "1.0", nil)
	whole, cut := egresstest.Wheel("whole-file", "1.0", nil), egresstest.Wheel("endless-file", "1.0", nil)
	cut.Metadata = nil
	s.Index.Add(last, whole, cut,
		wheelBomb(t, "wheel_bomb", 100), wheelBomb(t, "wheel_dose", 1), sdistBomb(t, "sdist_bomb", 100),
		sdistBomb(t, "sdist_dose", 1))
	s.Index.SetFault(onlyFor("/endless-page/", endlessPage(0, "", ""), onlyFor("/long-page/",
		endlessPage(1000, last.Name, s.Index.FilesURL()+"/packages/long-page/"+last.Name+"#sha256="+last.SHA256()),
		nil)))
	s.Index.SetFilesFault(onlyFor("/endless_file-1.0", endlessFile, nil))
	s.Git.SetFault(onlyFor("/attack-git-endless-", endlessPack(), onlyFor("/attack-git-trickle-", trickle(1<<30),
		onlyFor("/dose-git-trickle-", trickle(20), nil))))
	return []bomb{
		{
			name:   "git-endless",
			tried:  "a git host whose pack has no end",
			files:  hostile(t, passing, ""),
			dose:   large,
			causes: only(pipeline.CauseClone, pipeline.CauseDiskFull),
		},
		{
			name:   "git-trickle",
			tried:  "a git host that sends signs of life and no pack",
			files:  hostile(t, passing, ""),
			dose:   hostile(t, passing, ""),
			causes: only(pipeline.CauseClone, pipeline.CauseTimeout),
		},
		{
			name:   "index-page",
			tried:  "an index whose page has no end",
			files:  requires("endless-page"),
			dose:   requires("long-page"),
			causes: only(pipeline.CauseInstall),
		},
		{
			name:   "index-file",
			tried:  "an index whose file has no end",
			files:  requires("endless-file"),
			dose:   requires("whole-file"),
			causes: only(pipeline.CauseInstall, pipeline.CauseDiskFull),
		},
		{
			name:    "wheel-bomb",
			tried:   "a wheel of 10 MiB that unpacks to 10 GiB",
			files:   requires("wheel-bomb"),
			dose:    requires("wheel-dose"),
			causes:  only(pipeline.CauseDiskFull),
			summary: []string{"256 MiB limit", inInstall},
		},
		{
			name:    "sdist-bomb",
			tried:   "an sdist of 10 MiB that unpacks to 10 GiB",
			files:   slow,
			dose:    requires("sdist-dose"),
			causes:  only(pipeline.CauseDiskFull, pipeline.CauseTimeout),
			summary: []string{inInstall},
		},
	}
}
