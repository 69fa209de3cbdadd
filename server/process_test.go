package server

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"vivarium/sandbox/eventually"
	"vivarium/server/servertest"
)

// requireProgram finds a program of a Debian package. Without it the test is skipped, or fails when
// VIVARIUM_REQUIRE_PROXIES is 1, as in CI.
func requireProgram(t *testing.T, name string) string {
	t.Helper()
	for _, place := range []string{name, "/usr/sbin/" + name} { // not in the PATH of users other than root
		if path, err := exec.LookPath(place); err == nil {
			return path
		}
	}
	if os.Getenv("VIVARIUM_REQUIRE_PROXIES") == "1" {
		t.Fatalf("there is no %s, and VIVARIUM_REQUIRE_PROXIES=1", name)
	}
	t.Skipf("there is no %s here: scripts/setup proxies installs it", name)
	return ""
}

// process is a program that runs as long as the test.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	ended  chan struct{}
	output syncBuffer
	stop   func() // idempotent; waits for the end
}

func startProgram(t *testing.T, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(program, args...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	p.stop = sync.OnceFunc(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(10 * time.Second):
			_ = p.cmd.Process.Kill()
			<-p.ended
		}
	})
	t.Cleanup(p.stop)
	return p
}

// await waits until ok holds, for at most a minute. It fails at once when the program has ended.
func (p *process) await(what string, ok func() bool) {
	p.t.Helper()
	if !eventually.Within(time.Minute, func() bool {
		if ok() {
			return true
		}
		select {
		case <-p.ended:
			p.t.Fatalf("%s ended before %s:\n%s", p.cmd.Path, what, p.output.String())
		default:
		}
		return false
	}) {
		p.t.Fatalf("no %s within a minute:\n%s", what, p.output.String())
	}
}

// listens reports whether something accepts connections at addr.
func listens(addr string) func() bool {
	return func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	}
}

// freeAddr is a loopback address that nothing listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	port, err := servertest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// syncBuffer is written by one goroutine and read by others.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
