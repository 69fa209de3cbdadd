package sandbox_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"vivarium/images/imagestest"
	"vivarium/sandbox"
	"vivarium/sandbox/engineproxy"
)

// loopback6 has a connection to ::1 carry a byte, and says which other addresses can be sent to.
const loopback6 = `
import socket
with socket.create_server(("::1", 0), family=socket.AF_INET6) as s:
    socket.create_connection(s.getsockname()[:2]).sendall(b"x")
    print(s.accept()[0].recv(1).decode())
for address in "2001:db8::1", "fd00::1", "fe80::1%1", "ff02::1%1":
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        try:
            s.sendto(b"x", (address, 9))
            print(address, "is sent to")
        except OSError:
            pass
print(sorted(line.split()[-1] for line in open("/proc/net/if_inet6")))
`

func TestLoopbackHasItsIPv6Address(t *testing.T) {
	if got, want := mustRun(t, start(t, nil), python(loopback6)), "x\n['lo']\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEngineWithoutIPv6StartsSandboxesWithoutIt names an interface that no kernel has: the runtime
// then says what it says on a machine without IPv6.
func TestEngineWithoutIPv6StartsSandboxesWithoutIt(t *testing.T) {
	image, refused := imagestest.Runner(t), 0
	p, err := engineproxy.Start(func(r *http.Request) error {
		if !engineproxy.CreatesContainer(r) {
			return nil
		}
		return engineproxy.ChangeSettings(r, func(host map[string]any) error {
			if settings, ok := host["Sysctls"].(map[string]any); ok && len(settings) > 0 {
				refused++
				host["Sysctls"] = map[string]any{"net.ipv6.conf.none.disable_ipv6": "0"}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close the proxy: %v", err)
		}
	})
	t.Setenv("DOCKER_HOST", p.Host)
	var said bytes.Buffer
	e, err := sandbox.Connect(t.Context(), slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for range 2 {
		s, err := e.Start(t.Context(), spec(e, image))
		if err != nil {
			t.Fatal(err)
		}
		if got := mustRun(t, s, shell("echo runs")); got != "runs\n" {
			t.Errorf("got %q", got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if told := strings.Count(said.String(), "no IPv6 address"); refused != 1 || told != 1 {
		t.Errorf("the engine refused %d starts, and the log told of it %d times; want 1 and 1: %s", refused, told, &said)
	}
}
