package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSocketThatIsNotOursIsNotAnEngineThatIsDown asks as a user who may not open the socket. A test
// run by root becomes another user for this.
func TestSocketThatIsNotOursIsNotAnEngineThatIsDown(t *testing.T) {
	const inside = "VIVARIUM_TEST_CLOSED_SOCKET"
	if os.Getenv(inside) != "" {
		_, err := connectEngine(context.Background(), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "; join the group of its socket") {
			t.Errorf("connectEngine: %v, want to be told of the group", err)
		}
		return
	}
	dir, err := os.MkdirTemp("", "closed") // others may not enter t.TempDir's parent
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, binary := filepath.Join(dir, "engine.sock"), filepath.Join(dir, "test")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, self, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{dir: 0o755, binary: 0o755, socket: 0} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), binary, "-test.run=^"+t.Name()+"$")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), inside+"=1", "DOCKER_HOST=unix://"+socket)
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
