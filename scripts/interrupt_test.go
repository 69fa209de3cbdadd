package scripts_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"vivarium/sandbox/eventually"
)

// session is a script as in a terminal's foreground: a Ctrl-C goes to its whole process group.
type session struct {
	cmd   *exec.Cmd
	out   *strings.Builder
	ended chan error
}

func begin(t *testing.T, env []string, argv ...string) *session {
	t.Helper()
	// Tests that run in the background have these signals ignored, which a shell cannot change.
	s := &session{
		cmd:   exec.Command("env", append([]string{"--default-signal=INT,QUIT"}, argv...)...),
		out:   &strings.Builder{},
		ended: make(chan error, 1),
	}
	s.cmd.Dir, s.cmd.Env = "..", append(os.Environ(), env...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	s.cmd.WaitDelay = time.Second
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.cmd.Wait() }()
	return s
}

// interrupt sends a Ctrl-C once the file named by when is there, which shows how far the script has
// come.
func (s *session) interrupt(t *testing.T, when string) {
	t.Helper()
	eventually.Holds(t, when+" is there", func() bool {
		_, err := os.Stat(when)
		return err == nil
	})
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGINT)
	select {
	case err := <-s.ended:
		if err == nil {
			t.Errorf("it ended as if nothing had been:\n%s", s.out)
		}
	case <-time.After(20 * time.Second):
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		t.Errorf("it goes on 20 s after a Ctrl-C")
	}
}

// program writes a shell script of that name into dir.
func program(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// The virtual machine is a program that does not end by itself.
func TestAMachineEndsByCtrlC(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"mke2fs", "debugfs", "mmdebstrap"} {
		program(t, dir, name, "")
	}
	running := filepath.Join(dir, "running")
	program(t, dir, "qemu-system-x86_64",
		fmt.Sprintf("echo $$ >%s.part && mv %[1]s.part %[1]s && exec sleep 300", running))
	disk := filepath.Join(dir, "vivarium-vm", "bookworm")
	if err := errors.Join(os.MkdirAll(disk, 0o755),
		os.WriteFile(filepath.Join(disk, "ready-2"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	s := begin(t, []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "XDG_CACHE_HOME=" + dir, "TMPDIR=" + dir},
		"scripts/vm", "--", "true")
	s.interrupt(t, running)
	pid, err := os.ReadFile(running)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(pid)), "cmdline")); err == nil &&
		strings.HasPrefix(string(text), "sleep") {
		t.Error("the machine goes on")
		_ = exec.Command("kill", strings.TrimSpace(string(pid))).Run()
	}
}

// The test runs the functions of the set-up itself, with the machine's configuration elsewhere.
func TestAnInterruptedSetUpLeavesNothingBehind(t *testing.T) {
	text, err := os.ReadFile("setup")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	functions, _, found := strings.Cut(strings.ReplaceAll(string(text), "/etc/", dir+"/etc/"), "\nfor what in ")
	if !found {
		t.Fatal("the script has no end: is what is looked for still right?")
	}
	const install = `packages=(caddy postgresql); unstarted without_cluster sh -c "$1"`
	left := func() (files []string) {
		t.Helper()
		err := filepath.WalkDir(filepath.Join(dir, "etc"), func(name string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, strings.TrimPrefix(name, dir))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	began := filepath.Join(dir, "began")
	begin(t, nil, "bash", "-c", functions+"\n"+install, "setup", "touch "+began+" && sleep 300").interrupt(t, began)
	if files := left(); len(files) != 0 {
		t.Errorf("after a Ctrl-C: %s", files)
	}

	// The control: the files are there while the command runs, and its exit code counts.
	list := filepath.Join(dir, "list")
	s := begin(t, nil, "bash", "-c", functions+"\n"+install, "setup", "find "+dir+"/etc -not -type d >"+list+"; exit 3")
	if err := <-s.ended; s.cmd.ProcessState.ExitCode() != 3 {
		t.Errorf("%v, want exit code 3:\n%s", err, s.out)
	}
	during, err := os.ReadFile(list)
	if err != nil || strings.Count(string(during), "\n") != 3 {
		t.Errorf("while it runs: %v, %s", err, during)
	}
	if files := left(); len(files) != 0 {
		t.Errorf("afterwards: %s", files)
	}
}

// The process id that a killed run has left behind may be another process's by now.
func TestStopEndsItsOwnProcessesAlone(t *testing.T) {
	const script = `set -euo pipefail
name=test subnet=192.0.2
. scripts/second-engine
run=$1
launch docker sleep 300
own=$!
sleep 300 &
other=$!
alive docker && ! alive containerd
for left in "$other" "$other 1"; do
    echo "$left" >"$run/containerd.pid"
    end containerd
done
end docker
if kill -0 $own 2>/dev/null; then echo "its own goes on"; fi
if kill $other; then echo "the other lives"; fi`
	out, err := exec.CommandContext(t.Context(), "bash", "-c", "cd .. && "+script, "stop", t.TempDir()).CombinedOutput()
	if err != nil || string(out) != "the other lives\n" {
		t.Errorf("%v: %s", err, out)
	}
}
