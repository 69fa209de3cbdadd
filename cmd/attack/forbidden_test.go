package attack

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"vivarium/sandbox/egress/egresstest"
)

// forbidden are web servers that a proxy must never be led to: on loopback, on the operator's LAN
// and at a cloud's metadata address. They answer everything and count the requests.
type forbidden struct {
	port int

	mu       sync.Mutex
	requests []*http.Request
}

// The names that the resolver of useNames knows, and their addresses.
var names = map[string][4]byte{
	"loopback.attack.example.": {127, 0, 0, 1}, "lan.attack.example.": {192, 168, 217, 2},
	"metadata.attack.example.": {169, 254, 169, 254},
}

// rebinding is a name that leads to a public address at its first look-up, and to loopback from
// then on.
const rebinding = "rebinding.attack.example"

// addresses are all ways to write the servers' addresses, by name.
func (f *forbidden) addresses() map[string]string {
	hosts := map[string]string{
		"loopback": "127.0.0.1", "loopback-mapped": "[::ffff:127.0.0.1]", "loopback-unspecified": "0.0.0.0",
		"loopback-name": "localhost", "private": lan, "private-ipv6": "[" + lan6 + "]", "link-local": metadata,
		"link-local-mapped": "[::ffff:" + metadata + "]",
		"name-of-loopback":  "loopback.attack.example", "name-of-private": "lan.attack.example",
		"name-of-link-local": "metadata.attack.example",
		"name-that-changes":  rebinding,
	}
	for name, host := range hosts {
		hosts[name] = fmt.Sprintf("http://%s:%d", host, f.port)
	}
	return hosts
}

func newForbidden(t *testing.T) *forbidden {
	t.Helper()
	f := &forbidden{port: freePort(t)}
	var listeners []net.Listener
	listen := func(host string) {
		l, err := net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(f.port)))
		if err != nil {
			t.Error(err)
			return
		}
		listeners = append(listeners, l)
	}
	inLAN(t, func() {
		for _, host := range []string{lan, metadata, lan6} {
			listen(host)
		}
	})
	listen("127.0.0.1")
	for _, l := range listeners {
		s := httptest.NewUnstartedServer(f)
		s.Listener.Close()
		s.Listener = l
		s.Start()
		t.Cleanup(s.Close)
	}
	useNames(t)
	return f
}

// ServeHTTP gives an answer that a client of git, of an index or of files can use, whatever was
// asked.
func (f *forbidden) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r)
	f.mu.Unlock()
	switch {
	case strings.Contains(r.URL.RawQuery, "git-upload-pack"):
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
	case strings.HasPrefix(r.URL.Path, "/simple/"):
		w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
		fmt.Fprint(w, `{"meta":{"api-version":"1.0"},"name":"x","files":[]}`)
	}
	fmt.Fprint(w, "a secret of the operator's LAN")
}

// take gives the requests since its last call.
func (f *forbidden) take() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	rs := f.requests
	f.requests = nil
	return rs
}

// lookups counts the look-ups of the changing name. Guarded by its lock.
var lookups struct {
	sync.Mutex
	n int
}

// forget makes the changing name public again at its next look-up.
func forget() {
	lookups.Lock()
	defer lookups.Unlock()
	lookups.n = 0
}

// useNames makes this process ask a name server of the test's own until the test ends.
func useNames(t *testing.T) {
	t.Helper()
	restore, err := egresstest.UseNames(addressOf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(restore)
}

func addressOf(name string) (address [4]byte, known bool) {
	if name == rebinding+"." {
		lookups.Lock()
		defer lookups.Unlock()
		if lookups.n++; lookups.n == 1 {
			return [4]byte{151, 101, 0, 223}, true
		}
		return [4]byte{127, 0, 0, 1}, true
	}
	address, known = names[name]
	return address, known
}

// lookUp looks the changing name up once, as a check in advance would, and gets a public address.
func lookUp(t *testing.T) {
	t.Helper()
	forget()
	addresses, err := net.DefaultResolver.LookupHost(t.Context(), rebinding)
	if err != nil || len(addresses) != 1 || addresses[0] != "151.101.0.223" {
		t.Errorf("control: the name that changes stands for %v, %v", addresses, err)
	}
}
