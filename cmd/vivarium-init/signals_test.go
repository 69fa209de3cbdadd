package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const signalled = "VIVARIUM_TEST_SIGNALLED"

func TestMain(m *testing.M) {
	if os.Getenv(signalled) != "" {
		if err := beSignalled(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// beSignalled sends this process every signal that can be caught, and prints which signals it and a
// command handle.
func beSignalled() error {
	oom, err := os.OpenFile("/proc/self/oom_score_adj", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	procs := newProcesses(oom)
	if err := catchSignals(procs); err != nil {
		return err
	}
	for n := syscall.Signal(1); n <= 64; n++ {
		if n == unix.SIGKILL || n == unix.SIGSTOP {
			continue
		}
		if err := unix.Kill(os.Getpid(), n); err != nil {
			return fmt.Errorf("send signal %d: %w", n, err)
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	fmt.Printf("own:\n%s\ncommand:\n", status)
	ended, _, err := procs.start("/bin/cat", []string{"cat", "/proc/self/status"},
		&syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
	if err != nil {
		return err
	}
	<-ended
	return nil
}

// TestEverySignalIsHandled uses an ordinary process, so it does not rest on the signals that the
// kernel spares a PID 1.
func TestEverySignalIsHandled(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), signalled+"=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("it ended: %v\n%s", err, out)
	}
	own, command, _ := strings.Cut(string(out), "command:\n")
	// SIGKILL, 9, and SIGSTOP, 19, cannot be caught or ignored.
	if caught, ignored := mask(t, own, "SigCgt"), mask(t, own, "SigIgn"); caught|ignored != ^uint64(1<<8|1<<18) {
		t.Errorf("caught %x, ignored %x", caught, ignored)
	}
	if caught, ignored := mask(t, command, "SigCgt"), mask(t, command, "SigIgn"); caught|ignored != 0 {
		t.Errorf("a command finds caught %x, ignored %x", caught, ignored)
	}
}

// mask reads a set of signals from a line of /proc/PID/status.
func mask(t *testing.T, status, name string) (bits uint64) {
	t.Helper()
	_, rest, found := strings.Cut(status, name+":")
	if _, err := fmt.Sscanf(rest, "%x", &bits); !found || err != nil {
		t.Fatalf("no %s in %q: %v", name, status, err)
	}
	return bits
}
