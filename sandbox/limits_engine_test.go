package sandbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"vivarium/images/imagestest"
	"vivarium/sandbox"
)

// timed ends a command that nothing else stops, so that it does not hold up the tests.
func timed(c sandbox.Command, d time.Duration) sandbox.Command {
	c.Timeout = d
	return c
}

func TestMemoryLimitIsNamed(t *testing.T) {
	s := start(t, nil)
	hog := python("b = []\nwhile True: b.append(bytearray(8 << 20))")
	mustRun(t, s, python("b = bytearray(64 << 20)"))
	r, _ := run(t, s, hog)
	if !r.OOMKilled || r.Signal != "SIGKILL" {
		t.Errorf("got %+v, want a kill for memory", r)
	}
	r, _ = run(t, s, shell("true"))
	if r.OOMKilled {
		t.Errorf("the next command is reported as struck too: %+v", r)
	}
}

func TestPID1OutlivesABombOfSmallProcesses(t *testing.T) {
	s := start(t, nil)
	bomb := timed(python(`
import os, time
for _ in range(150):
    if os.fork() == 0:
        b = bytearray(6 << 20)
        time.sleep(300)
os.wait()`), 20*time.Second)
	if imagestest.GVisor() {
		endsOutOfMemory(t, s, bomb)
		return
	}
	r, _ := run(t, s, bomb)
	if !r.OOMKilled {
		t.Errorf("got %+v, want the OOM killer named", r)
	}
	mustRun(t, s, shell("true"))
}

func TestPidsLimitIsNamedAndPID1Survives(t *testing.T) {
	s := start(t, func(sp *sandbox.Spec) {
		sp.Limits.Pids = 100
		sp.Limits.Memory = 1 << 30 // under gVisor each process takes another 5 MiB, and memory must not run out first
	})
	r, _ := run(t, s, timed(python(`
import os, time
end = time.time() + 2
while time.time() < end:
    try:
        os.fork()
    except OSError:
        pass`), 20*time.Second))
	if !r.PidsStruck {
		t.Errorf("got %+v, want the pids limit named", r)
	}
	r, _ = run(t, s, shell("true"))
	if r.PidsStruck || !r.Success() {
		t.Errorf("the next command ended as %+v", r)
	}
}

func TestTerminalsAreLimited(t *testing.T) {
	s := start(t, nil)
	open := func(count int) sandbox.Command {
		return timed(python(fmt.Sprintf(`
import os, time
held = [os.openpty() for _ in range(%d)]
print(len(held), flush=True)
time.sleep(%d)`, count, 20*(count/(sandbox.MaxTerminals+1)))), 20*time.Second)
	}
	if r, _ := run(t, s, open(sandbox.MaxTerminals)); !r.Success() || r.DiskFull != "" {
		t.Errorf("control: as many as there may be end as %+v", r)
	}
	if r, _ := run(t, s, open(sandbox.MaxTerminals+1)); r.DiskFull != sandbox.Terminals || r.TimedOut || r.Success() {
		t.Errorf("one more ends as %+v, want it ended for %s", r, sandbox.Terminals)
	}
	if r, _ := run(t, s, open(10)); !r.Success() {
		t.Errorf("the next command ended as %+v", r)
	}
}

// TestHalfClosedTerminalsAreLimited: such a terminal has no name, and the kernel still counts it
// for the machine.
func TestHalfClosedTerminalsAreLimited(t *testing.T) {
	if imagestest.GVisor() {
		t.Skip("gVisor's kernel has terminals of its own, and no count for the machine")
	}
	s := start(t, nil)
	open := func(count int, first string) sandbox.Command {
		return timed(python(fmt.Sprintf(`
import ctypes, os, socket, time
held, ends = [], socket.socketpair()
def keep(second):
    held.append(second)
%s
for _ in range(%d):
    first, second = os.openpty()
    os.close(first)
    keep(second)
print("all", flush=True)
time.sleep(%d)`, first, count, 20*(count/(sandbox.MaxTerminals+1)))), 20*time.Second)
	}
	const flies = `
def keep(second):
    held.append(second)
    if len(held) == 20:
        socket.send_fds(ends[0], [b"x"], held)
        while held:
            os.close(held.pop())`
	for what, c := range map[string]struct {
		first string
		count int
		over  bool
	}{
		"as many as there may be":       {"", sandbox.MaxTerminals, false},
		"one more":                      {"", sandbox.MaxTerminals + 1, true},
		"where nobody may look":         {"ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)", 300, true},
		"some where nobody may look":    {"ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)", 100, false},
		"in flight":                     {flies, 300, true},
		"some that are in flight":       {flies, 100, false},
		"those of the last do not stay": {"", 10, false},
	} {
		r, o := run(t, s, open(c.count, c.first))
		if (r.DiskFull == sandbox.Terminals) != c.over || r.Success() == c.over || r.TimedOut {
			t.Errorf("%s: ends as %+v, want it ended: %v; %.300s", what, r, c.over, o.stdout.String()+o.stderr.String())
		}
	}
}

// TestTriggersOnPressureDoNotOutstayTheTimeLimit: when a process is killed, the kernel takes 10 ms
// to remove each of its triggers.
func TestTriggersOnPressureDoNotOutstayTheTimeLimit(t *testing.T) {
	s := start(t, nil)
	r, o := run(t, s, timed(python(`
import os, time
held = []
try:
    for _ in range(2000):
        held.append(os.open("/proc/pressure/cpu", os.O_RDWR | os.O_NONBLOCK))
        os.write(held[-1], b"some 200000 2000000\0")
except OSError as e:
    print(e.strerror, flush=True)
time.sleep(300)`), time.Second))
	if !r.TimedOut || r.Wall > 6*time.Second {
		t.Errorf("got %+v (%s), want it ended soon after 1 s", r, o.stdout.String())
	}
	if o.stdout.Len() == 0 {
		t.Error("the triggers are not refused")
	}
}

func TestDiskLimitIsNamed(t *testing.T) {
	fill := func(dir string) sandbox.Command {
		return shell(fmt.Sprintf("head -c 200000000 /dev/zero > %s/big; code=$?; rm %s/big; exit $code", dir, dir))
	}
	s := start(t, func(sp *sandbox.Spec) {
		sp.Limits.FileSize = 1 << 30
		sp.Limits.Inodes = 20_000
	})
	for _, c := range []struct {
		name    string
		command sandbox.Command
		want    string
		inodes  bool
	}{
		{"workspace", fill(sandbox.Workspace), sandbox.Tmp, false},
		{"home", fill(sandbox.Home), sandbox.Home, false},
		{"environment", fill(sandbox.Env), sandbox.Env, false},
		{"tmp", fill(sandbox.Tmp), sandbox.Tmp, false},
		{"shared memory", fill(sandbox.Shm), sandbox.Shm, false},
		{"file that cleans up after itself", python(`
import tempfile
with tempfile.TemporaryFile() as f:
    while True: f.write(bytes(1 << 20))`), sandbox.Tmp, false},
		{"many small files", python(`
import os, shutil
os.mkdir("d")
try:
    for i in range(10 ** 6): open(f"d/{i}", "w").close()
finally:
    shutil.rmtree("d")`), sandbox.Tmp, true},
		{"the sum of several", shell(`
for d in /tmp /home/vivarium; do head -c 70000000 /dev/zero > $d/big; done; sleep 1; exit 1`), sandbox.Tmp, false},
	} {
		if c.inodes && imagestest.GVisor() {
			continue // gVisor keeps no limit of files: see below
		}
		t.Run(c.name, func(t *testing.T) {
			r, o := run(t, s, c.command)
			if r.DiskFull != c.want || r.InodesFull != c.inodes || r.Success() {
				t.Errorf("got %+v, want %s full; stderr: %s", r, c.want, o.stderr.String())
			}
			if r.OOMKilled {
				t.Errorf("files took memory from processes: %+v", r)
			}
			mustRun(t, s, shell("rm -rf /tmp/big /home/vivarium/big"))
		})
	}
	r, _ := run(t, s, shell("head -c 60000000 /dev/zero > /tmp/fits; rm /tmp/fits; exit 1"))
	if r.DiskFull != "" {
		t.Errorf("a file that fits is reported as %q full", r.DiskFull)
	}
	if imagestest.GVisor() {
		endsOutOfMemory(t, s, python("for i in range(10 ** 7): open(str(i), 'w').close()"))
	}
}

// endsOutOfMemory runs a command that takes memory of gVisor's own, which its kernel does not
// count. Then either the command is ended, or the host's kernel ends the whole sandbox, which is
// one process to it.
func endsOutOfMemory(t *testing.T, s *sandbox.Sandbox, c sandbox.Command) {
	t.Helper()
	r, err := s.Run(t.Context(), c, func(sandbox.Stream, []byte) error { return nil })
	var lost *sandbox.LostError
	if !r.OOMKilled && (!errors.As(err, &lost) || !lost.OOMKilled) {
		t.Errorf("got %+v, %v; want it out of memory", r, err)
	}
}

func TestOpenFilesAreLoweredForOneCommandAndWhatItStarts(t *testing.T) {
	s := start(t, func(sp *sandbox.Spec) { sp.Limits.OpenFiles = 1024 })
	tell := python(`
import os, resource
print(resource.getrlimit(resource.RLIMIT_NOFILE), flush=True)
try: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 1024))
except ValueError: print("not raised", flush=True)
os.system("ulimit -Hn")
try:
    while True: os.open("/dev/null", 0)
except OSError as e: print(e.errno)`)
	tell.OpenFiles = 100
	_, o := run(t, s, tell)
	if got, want := o.stdout.String(), "(100, 100)\nnot raised\n100\n24\n"; got != want {
		t.Errorf("got %q, want %q; stderr: %s", got, want, o.stderr.String())
	}
	if _, o := run(t, s, shell("ulimit -Hn")); o.stdout.String() != "1024\n" {
		t.Errorf("the next command has %q, want the sandbox's own 1024", o.stdout.String())
	}
	missing := shell("true")
	missing.Argv, missing.OpenFiles = []string{"no-such-program"}, 100
	if r, _ := run(t, s, missing); r.ExitCode != 127 {
		t.Errorf("a program that is not there: %+v, want exit code 127", r)
	}
	missing.Argv = []string{"/no/such/program"}
	if r, o := run(t, s, missing); r.ExitCode != 127 || !strings.Contains(o.stderr.String(), "/no/such/program") {
		t.Errorf("a path that is not there: %+v, %s; want exit code 127", r, o.stderr.String())
	}
}

func TestLowerBindsTheRunningContainer(t *testing.T) {
	s := start(t, nil)
	if imagestest.GVisor() {
		if err := s.Lower(t.Context(), sandbox.Limits{Memory: 64 << 20}); !errors.Is(err, sandbox.ErrFixedLimits) {
			t.Errorf("got %v, want to be told that the limits are fixed", err)
		}
		mustRun(t, s, shell("true"))
		return
	}
	if err := s.Lower(t.Context(), sandbox.Limits{Memory: 64 << 20, Pids: 64, CPUs: 0.5}); err != nil {
		t.Fatal(err)
	}
	r, _ := run(t, s, python("b = bytearray(190 << 20)"))
	if !r.OOMKilled {
		t.Errorf("got %+v, want 190 MiB to be more than 64 and the disk's 96", r)
	}
	if err := s.Lower(t.Context(), sandbox.Limits{Memory: 1 << 30}); err == nil {
		t.Error("a limit was raised")
	}
}

// TestLowerBelowWhatIsInUseIsRefused: a tree of many files takes memory besides its bytes. Version
// 2 of cgroups makes room instead, and gVisor's sandbox is started again.
func TestLowerBelowWhatIsInUseIsRefused(t *testing.T) {
	if imagestest.GVisor() || connect(t).Info().CgroupVersion != "1" {
		return
	}
	s := start(t, nil)
	mustRun(t, s, python("open('big', 'wb').write(bytes(90 << 20))\nfor i in range(60_000): open(str(i), 'w').close()"))
	var refused *sandbox.RefusedError
	if err := s.Lower(t.Context(), sandbox.Limits{Memory: 32 << 20}); !errors.As(err, &refused) {
		t.Errorf("got %v, want a refusal of the value", err)
	}
	mustRun(t, s, shell("true"))
}
