// Package nearby tells the programs of the server's own machine from everybody else.
package nearby

import (
	"net"
	"net/http"
	"net/netip"
)

// forwarding are headers that a proxy adds. The proxy's address does not say who asks: a tunnel
// such as ngrok connects from loopback on behalf of the world.
var forwarding = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"}

// IsLocal reports whether the request comes straight from a program on this machine. The peer's own
// address counts, never one that a header claims. The Host must be a loopback name too; otherwise a
// page of any site could read the answer by pointing its own name at 127.0.0.1.
func IsLocal(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	for _, name := range forwarding {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return IsLoopback(r.Host)
}

// IsLoopback reports whether a host, perhaps with a port, is this machine by its name.
func IsLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if host == "localhost" {
		return true
	}
	if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
