package nearby

import (
	"net/http/httptest"
	"testing"
)

func TestOnlyDirectLoopbackIsLocal(t *testing.T) {
	for _, c := range []struct {
		name, peer, host, header string
		want                     bool
	}{
		{"IPv4", "127.0.0.1:5000", "127.0.0.1:8001", "", true},
		{"IPv4 elsewhere in 127/8", "127.9.9.9:5000", "localhost:8001", "", true},
		{"IPv6", "[::1]:5000", "[::1]:8001", "", true},
		{"IPv6 without a port", "[::1]:5000", "[::1]", "", true},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:5000", "localhost", "", true},
		{"another machine", "192.0.2.7:5000", "127.0.0.1:8001", "", false},
		{"another machine that claims to be local", "192.0.2.7:5000", "localhost", "X-Forwarded-For", false},
		{"a proxy on this machine", "127.0.0.1:5000", "localhost", "X-Forwarded-For", false},
		{"a tunnel on this machine", "127.0.0.1:5000", "abc.ngrok.app", "", false},
		{"a name that was pointed at loopback", "127.0.0.1:5000", "evil.example:8001", "", false},
		{"no address", "@", "localhost", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr, r.Host = c.peer, c.host
			if c.header != "" {
				r.Header.Set(c.header, "127.0.0.1")
			}
			if got := IsLocal(r); got != c.want {
				t.Errorf("IsLocal(peer %s, host %s) = %v, want %v", c.peer, c.host, got, c.want)
			}
		})
	}
}
