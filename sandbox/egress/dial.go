package egress

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

const (
	dialTimeout = 10 * time.Second
	// stallTimeout is how long a host may send nothing at all before the request is given up. Git
	// hosts take tens of seconds to count the objects of large repositories.
	stallTimeout = 60 * time.Second
)

// special are the address blocks that are not the public Internet, from IANA's
// special-purpose registries (RFC 6890 and its updates). For IPv6 only 2000::/3 is
// public; these are the exceptions inside it.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32", // a public address, but Azure's platform service answers there on every host
	"2001::/23",        // Teredo, ORCHID, benchmarking
	"2001:db8::/32",
	"2002::/16", // 6to4: an IPv4 address in disguise
	"3fff::/20",
)

var globalUnicast6 = netip.MustParsePrefix("2000::/3")

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// isPublic reports whether a is an address of the public Internet. NAT64 (64:ff9b::/96
// and 64:ff9b:1::/48) and other IPv6 forms that hold an IPv4 address are not.
func isPublic(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.Is6() && !globalUnicast6.Contains(a) {
		return false
	}
	return a.IsValid() && !within(special, a)
}

func within(list []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// addressError means that the guard refused a connection.
type addressError struct{ addr netip.Addr }

func (e *addressError) Error() string {
	return fmt.Sprintf("address %s is not one that may be reached", e.addr)
}

// guard decides which addresses may be dialled. It looks at the address to which the socket is
// about to connect, so that a name gains nothing by changing its address after a look-up.
type guard struct {
	allow  []netip.Prefix // reachable though private
	public bool           // the public Internet is reachable
}

func (g guard) permits(a netip.Addr) bool {
	return g.public && isPublic(a) || within(g.allow, a)
}

// control is a net.Dialer's Control function.
func (g guard) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read address %q: %w", address, err)
	}
	if !g.permits(ap.Addr()) {
		return &addressError{addr: ap.Addr()}
	}
	return nil
}

// transport makes a transport for the configured origin, at any address, and through the operator's
// own proxy when the environment names one.
func transport(roots *x509.CertPool) *http.Transport {
	t := newTransport(&net.Dialer{Timeout: dialTimeout}, roots)
	t.Proxy = http.ProxyFromEnvironment
	return t
}

// transport makes a transport for other origins. It uses no proxy: with one, nobody here could see
// the address that is dialled.
func (g guard) transport(roots *x509.CertPool) *http.Transport {
	return newTransport(&net.Dialer{Timeout: dialTimeout, Control: g.control}, roots)
}

func newTransport(d *net.Dialer, roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		DialContext:           d.DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   dialTimeout,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       30 * time.Second,
		ReadBufferSize:        64 << 10,
		// Go's own default is 10 MiB, which a hostile host could send with every answer.
		MaxResponseHeaderBytes: 256 << 10,
	}
}
