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

	"vivarium/sandbox/egress/addresses"
)

const (
	dialTimeout = 10 * time.Second
	// stallTimeout is how long a host may send nothing at all before the request is given up. Git
	// hosts take tens of seconds to count the objects of large repositories.
	stallTimeout = 60 * time.Second
)

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
	return g.public && addresses.Public(a) || addresses.Within(g.allow, a)
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
