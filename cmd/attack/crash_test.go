package attack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ownMachine says that the machine is the suite's own, so that its settings may be changed.
// scripts/attack-vm sets it.
const ownMachine = "VIVARIUM_TEST_OWN_MACHINE"

// TestCrash crashes on a machine whose core_pattern names a program, as on many distributions. That
// setting is the whole machine's. On other machines TestBounds checks what keeps the kernel from
// starting the program: a core limit of one byte that cannot be changed.
func TestCrash(t *testing.T) {
	if os.Getenv(ownMachine) == "" {
		return
	}
	w := theWorld(t)
	started := coreHelper(t)
	attack(t, "core-helper", "crashing with a core limit of 0, where "+
		"core_pattern names a program", func(t *testing.T, l *line) {
		w.inTheOpen(t, "crash.py", nil)
		if n := started(); n == 0 {
			t.Error("control: a crash in an open container does not start it either")
		}
		l.control = "a crash in an open container starts it, as root of the machine"
		setup, tests := w.inSandbox(t, "crash.py", nil)
		if setup["crash"].detail != "crashed" || tests["crash"].detail != "crashed" {
			t.Errorf("the crashes ended as %v and %v", setup["crash"], tests["crash"])
		}
		if n := started(); n != 0 {
			t.Errorf("it was started %d times", n)
		}
		l.outcome = "it crashes, and nothing is started, in setup.py and tests"
	})
}

// coreHelper lets the kernel start a program for each crash until the test ends. started gives how
// often that happened since its last call.
func coreHelper(t *testing.T) (started func() int) {
	t.Helper()
	const setting = "/proc/sys/kernel/core_pattern"
	folder := t.TempDir()
	helper, trace := filepath.Join(folder, "helper"), filepath.Join(folder, "trace")
	script := fmt.Sprintf("#!/bin/sh\nid -u >>%s\ncat >/dev/null\n", trace)
	before, err := os.ReadFile(setting)
	if err := errors.Join(err, os.WriteFile(helper, []byte(script), 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(setting, []byte("|"+helper), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(setting, before, 0); err != nil {
			t.Error(err)
		}
	})
	return func() int {
		text, err := os.ReadFile(trace)
		if errors.Is(err, fs.ErrNotExist) {
			return 0
		}
		if err := errors.Join(err, os.Remove(trace)); err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "\n")
	}
}
