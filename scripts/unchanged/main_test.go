package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vivarium/images/imagestest"
	"vivarium/sandbox/eventually"
)

func TestCompareNamesWhatChanged(t *testing.T) {
	before := state{"same": "1", "gone": "2", "other": "3"}
	after := state{"same": "1", "other": "4", "new": "5"}
	got := fmt.Sprint(compare(before, after))
	if want := "[gone is gone: it was 2 new is new: 5 other was\n3\nand is\n4]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := compare(before, before); len(got) != 0 {
		t.Errorf("nothing changed, but it says %v", got)
	}
}

func TestUseOfALinkAndARuleIsNoChange(t *testing.T) {
	const idle = "5: docker0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN " +
		"mode DEFAULT link/ether 02:42:00:00:00:01\n"
	const used = "5: docker0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP " +
		"mode DEFAULT link/ether 02:42:00:00:00:01\n"
	if link(idle) != link(used) {
		t.Errorf("%q and %q differ", link(idle), link(used))
	}
	if remade := strings.Replace(idle, "5:", "6:", 1); link(idle) == link(remade) {
		t.Error("a bridge that was made anew is not noticed")
	}
	const quiet = "# at noon\n*filter\n:INPUT ACCEPT [0:0]\n-A FORWARD -j DOCKER\nCOMMIT\n"
	const busy = "# at one\n*filter\n:INPUT ACCEPT [7:420]\n-A FORWARD -j DOCKER\nCOMMIT\n"
	if rules(quiet) != rules(busy) {
		t.Errorf("%q and %q differ", rules(quiet), rules(busy))
	}
	if more := strings.Replace(busy, "COMMIT", "-A FORWARD -j ACCEPT\nCOMMIT", 1); rules(quiet) == rules(more) {
		t.Error("another rule is not noticed")
	}
}

// With VIVARIUM_TEST_UNCHANGED=1 this test's own binary is unchanged, and its arguments are the
// command.
func TestMain(m *testing.M) {
	if os.Getenv("VIVARIUM_TEST_UNCHANGED") == "1" {
		settleTime = time.Second
		main()
		return
	}
	os.Exit(m.Run())
}

func unchanged(t *testing.T, command ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"--"}, command...)...)
	cmd.Env = append(os.Environ(), "VIVARIUM_TEST_UNCHANGED=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Other packages' tests use the engine at the same time, so what unchanged says of their things is
// ignored. A volume is the cheapest thing that a command can leave behind.
func TestWhatACommandLeavesBehindIsFound(t *testing.T) {
	imagestest.RequireEngine(t)
	const name = "vivarium-unchanged-test"
	t.Cleanup(func() {
		if out, err := exec.Command("docker", "volume", "rm", name).CombinedOutput(); err != nil {
			t.Errorf("remove volume: %v: %s", err, out)
		}
	})
	out, err := unchanged(t, "docker", "volume", "create", name)
	if err == nil || !strings.Contains(out, "volume "+name+" is new") {
		t.Errorf("got %v:\n%s", err, out)
	}
}

func TestAContainerThatIsGoneIsNoChange(t *testing.T) {
	imagestest.RequireEngine(t)
	const name = "vivarium-unchanged-test-container"
	out, _ := unchanged(t, "docker", "run", "--rm", "--name", name, "--network", "none",
		"--entrypoint", "echo", imagestest.Runner(t), "it ran")
	if !strings.Contains(out, "it ran") || strings.Contains(out, name) {
		t.Errorf("got:\n%s", out)
	}
}

// A terminal sends a Ctrl-C to the whole process group.
func TestACtrlCEndsTheCommand(t *testing.T) {
	imagestest.RequireEngine(t)
	started := filepath.Join(t.TempDir(), "started")
	// Tests that run in the background have the signal ignored, and so has all that they start.
	cmd := exec.Command("env", "--default-signal=INT", os.Args[0], "--", "sh", "-c", "touch "+started+"; exec sleep 60")
	cmd.Env = append(os.Environ(), "VIVARIUM_TEST_UNCHANGED=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, "the command has started", func() bool {
		_, err := os.Stat(started)
		return err == nil
	})
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(30*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer late.Stop()
	if err := cmd.Wait(); err == nil || !strings.Contains(out.String(), "signal: interrupt") {
		t.Errorf("got %v:\n%s", err, out.String())
	}
}

func TestTheCommandsOwnFailureIsPassedOn(t *testing.T) {
	imagestest.RequireEngine(t)
	if out, err := unchanged(t, "sh", "-c", "exit 3"); err == nil || !strings.Contains(out, "exit status 3") {
		t.Errorf("got %v:\n%s", err, out)
	}
}
