//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"vivarium/sandbox/wire"
)

// TestTerminalsCountUntilBothEndsAreClosed: a terminal whose first end is closed has no name.
func TestTerminalsCountUntilBothEndsAreClosed(t *testing.T) {
	proc := t.TempDir()
	process(t, proc, "7", map[string]string{
		"0": "/dev/pts/0", "1": "/dev/pts/1 (deleted)", "2": "/dev/pts/1 (deleted)",
		"3": "/dev/ptmx", "4": "/dev/pts/ptmx", "5": "/dev/null",
	})
	process(t, proc, "8", map[string]string{"0": "/dev/pts/2 (deleted)"})
	process(t, proc, "1", map[string]string{"0": "/dev/pts/77"})
	h := heldTerminals{names: map[string]bool{"0": true, "9": true}, left: 100}
	h.look(proc)
	if got := h.of(1000); got != 4 || h.hidden {
		t.Errorf("%v, hidden %v: %d, want 0, 1, 2 and 9", h.names, h.hidden, got)
	}
}

// TestWhereNobodyCanLookAllNewTerminalsAreOurs takes the places where a terminal can be out of
// sight.
func TestWhereNobodyCanLookAllNewTerminalsAreOurs(t *testing.T) {
	for what, c := range map[string]struct {
		files  map[string]string
		info   string
		left   int
		hidden bool
	}{
		"descriptors in flight":        {map[string]string{"3": "socket:[7]"}, "pos:\t0\nscm_fds: 3\n", 100, true},
		"a Unix socket without any":    {map[string]string{"3": "socket:[7]"}, "pos:\t0\nscm_fds: 0\n", 100, false},
		"a socket of another kind":     {map[string]string{"3": "socket:[7]"}, "pos:\t0\n", 100, false},
		"more than are looked at":      {map[string]string{"3": "/dev/null", "4": "/dev/null"}, "", 1, true},
		"as many as are looked at":     {map[string]string{"3": "/dev/null", "4": "/dev/null"}, "", 2, false},
		"a process that has none open": {nil, "", 0, false},
	} {
		proc := t.TempDir()
		task := process(t, proc, "7", c.files)
		write(t, filepath.Join(task, "fdinfo", "3"), c.info)
		h := heldTerminals{names: map[string]bool{}, left: c.left}
		h.look(proc)
		want := 0
		if c.hidden {
			want = 300
		}
		if got := h.of(300); got != want {
			t.Errorf("%s: %d terminals, want %d", what, got, want)
		}
	}
}

// process makes what /proc has of one thread.
func process(t *testing.T, proc, pid string, files map[string]string) (task string) {
	t.Helper()
	task = filepath.Join(proc, pid, "task", pid)
	if err := os.MkdirAll(filepath.Join(task, "fd"), 0o755); err != nil {
		t.Fatal(err)
	}
	for number, target := range files {
		if err := os.Symlink(target, filepath.Join(task, "fd", number)); err != nil {
			t.Fatal(err)
		}
	}
	return task
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestProcTellsOfAClosedTerminal asks the kernel, by this process itself.
func TestProcTellsOfAClosedTerminal(t *testing.T) {
	first, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(first.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(first.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	name := strconv.Itoa(number)
	second, err := os.OpenFile(filepath.Join(wire.Terminals, name), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	first.Close()
	if terminalNames()[name] {
		t.Error("control: the name is still there")
	}
	h := heldTerminals{names: map[string]bool{}, left: manyDescriptors}
	h.look("/proc")
	if !h.names[name] {
		t.Errorf("%s is not among %v", name, h.names)
	}
}

// TestAZombieHidesNothing: nobody may look into its descriptors, and it has none.
func TestAZombieHidesNothing(t *testing.T) {
	for stat, want := range map[string]bool{
		"7 (python3) Z 1 7 7": true,
		"7 (a) Z b) S 1 7 7":  false,
		"7 (python3) R 1 7 7": false,
		"7 (python3) X 1 7 7": true,
	} {
		task := t.TempDir()
		write(t, filepath.Join(task, "stat"), stat)
		if got := ended(task); got != want {
			t.Errorf("%s: ended %v", stat, got)
		}
	}
}
