package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vivarium/cmd/internal/harness"
	"vivarium/cmd/internal/treetest"
	"vivarium/images/imagestest"
	"vivarium/sandbox/eventually"
)

// TestInterruptedRunExits2AndLeavesNoContainer interrupts a build during its tests.
func TestInterruptedRunExits2AndLeavesNoContainer(t *testing.T) {
	const memory = 263 // MiB; no other build has it: it marks the container
	images := imagestest.Options(t)
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	treetest.Write(t, filepath.Join(dir, "tests/test_it.py"), `import time, unittest
class T(unittest.TestCase):
    def test_it(self):
        print("SLEEPING", flush=True)
        time.sleep(300)
`)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, file, "run", dir)
	cmd.Dir = t.TempDir()
	cmd.Env = append(harness.Environ(), "VIVARIUM_INIT_DIR="+images.InitDir, "VIVARIUM_RUNNERS="+images.Runners,
		fmt.Sprintf("VIVARIUM_MEMORY=%dMiB", memory), "VIVARIUM_DISK=256MiB")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	interrupted, last := false, ""
	for lines := bufio.NewScanner(out); lines.Scan(); last = lines.Text() {
		if !strings.HasSuffix(lines.Text(), "SLEEPING") {
			continue
		}
		if interrupted = true; len(containersWithMemory(t, memory+256)) != 1 {
			t.Error("control: the container is not seen")
		}
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitCannot {
		t.Errorf("ended with %v, want exit code 2; %s", err, &stderr)
	}
	if !interrupted {
		t.Fatalf("the test did not run: %s", last)
	}
	if !strings.HasPrefix(last, "canceled after ") {
		t.Errorf("last line %q", last)
	}
	eventually.Holds(t, "the container is gone", func() bool { return len(containersWithMemory(t, memory+256)) == 0 })
}

// containersWithMemory are the containers of `vivarium run` with this memory limit, in MiB.
func containersWithMemory(t *testing.T, mib int64) []string {
	t.Helper()
	list, err := exec.Command("docker", "ps", "-aq", "--filter", "label=vivarium.instance="+localInstance).Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, id := range strings.Fields(string(list)) {
		// A container that has gone since it was listed does not count.
		limit, err := exec.Command("docker", "inspect", "--format", "{{.HostConfig.Memory}}", id).Output()
		if err == nil && strings.TrimSpace(string(limit)) == fmt.Sprint(mib<<20) {
			found = append(found, id)
		}
	}
	return found
}
