package attack

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
)

// The addresses of a network of the test's own, which stands for the operator's LAN and for a
// cloud's metadata service.
const (
	hostOnLAN = "192.168.217.1"
	lan       = "192.168.217.2"
	metadata  = "169.254.169.254"
	lan6      = "fd00:217::2"
)

// inLAN makes a network namespace with these addresses and routes to it from this machine, and
// calls f inside it. Sockets that f opens stay there. Namespace and routes end with the test.
func inLAN(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("this test makes a network namespace: run it as root")
	}
	name := fmt.Sprintf("vivarium-attack-%d", os.Getpid())
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	alone(t)
	ip("netns", "add", name)
	t.Cleanup(func() {
		// This removes the routes too. The kernel would remove the pair with the namespace, but
		// some time later.
		_ = exec.Command("ip", "link", "delete", "vivatk0").Run() // it is missing if it could not be made
		if out, err := exec.Command("ip", "netns", "delete", name).CombinedOutput(); err != nil {
			t.Errorf("remove the namespace: %v: %s", err, out)
		}
	})
	ip("link", "add", "vivatk0", "type", "veth", "peer", "name", "vivatk1", "netns", name)
	ip("address", "add", hostOnLAN+"/30", "dev", "vivatk0")
	ip("-6", "address", "add", "fd00:217::1/64", "dev", "vivatk0", "nodad")
	ip("link", "set", "vivatk0", "up")
	for _, address := range []string{lan + "/30", metadata + "/32"} {
		ip("-n", name, "address", "add", address, "dev", "vivatk1")
	}
	ip("-n", name, "-6", "address", "add", lan6+"/64", "dev", "vivatk1", "nodad")
	ip("-n", name, "link", "set", "vivatk1", "up")
	ip("-n", name, "link", "set", "lo", "up")
	ip("route", "add", metadata+"/32", "via", lan)
	inNamespace(t, name, f)
}

// alone waits for other runs of the suite on this machine, which use the same addresses.
func alone(t *testing.T) {
	t.Helper()
	lock := flock.New(filepath.Join(os.TempDir(), "vivarium-attack-lan.lock"))
	if _, err := lock.TryLockContext(t.Context(), 20*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lock.Unlock(); err != nil {
			t.Error(err)
		}
	})
}

// inNamespace calls f on a thread that is in the network namespace.
func inNamespace(t *testing.T, name string, f func()) {
	t.Helper()
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		ns, err := os.Open("/run/netns/" + name)
		if err == nil {
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
			ns.Close()
		}
		if err == nil {
			f()
		}
		failed <- err
	}()
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
}

// bridgeGateway is the engine's own address on its default bridge: where a container with a network
// finds the host.
func (w *world) bridgeGateway(t *testing.T) string {
	t.Helper()
	n, err := w.docker.NetworkInspect(t.Context(), "bridge", inspectOptions)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range n.IPAM.Config {
		if ip := net.ParseIP(c.Gateway); ip.To4() != nil {
			return c.Gateway
		}
		if ip, subnet, err := net.ParseCIDR(c.Subnet); err == nil && ip.To4() != nil {
			first := subnet.IP.To4()
			first[3]++
			return first.String() // an engine whose configuration names its bridge does not tell the gateway
		}
	}
	t.Fatalf("the engine's bridge has no IPv4 address: %+v", n.IPAM.Config)
	return ""
}
