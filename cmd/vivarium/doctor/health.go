package doctor

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"vivarium/server/https"
)

// healthTimeout is shorter than the timeout of the Dockerfile's HEALTHCHECK.
const healthTimeout = 2 * time.Second

// Health asks whether the server that listens on addr, secured by t, is alive. It needs neither
// engine nor database, and goes through no proxy.
func Health(ctx context.Context, c *Checkup, addr string, t https.Settings) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	u, err := healthURL(addr, t)
	if err != nil {
		c.Add(Essential, "server", "%v", err)
		return
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		c.Add(Essential, "server", "%v", err)
		return
	}
	r, err := healthTransport(t).RoundTrip(q)
	if err != nil {
		c.Add(Essential, "server", "%s does not answer: %v; start it with `vivarium serve`, or set VIVARIUM_ADDR "+
			"to where it listens", u, err)
		return
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		c.Add(Essential, "server", "%s answers %s; is it this server that listens there?", u, r.Status)
		return
	}
	c.Add(Fine, "server", "%s answers", u)
}

// healthURL is where this machine reaches a server that listens on addr.
func healthURL(addr string, t https.Settings) (*url.URL, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http"
	if t.Enabled() {
		scheme = "https"
	}
	return &url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port), Path: "/healthz"}, nil
}

// healthTransport does not check the certificate, which is for the public name and not for this
// address. No secret is sent, and the answer counts only as a sign of life.
func healthTransport(t https.Settings) *http.Transport {
	config := &tls.Config{InsecureSkipVerify: true}
	if len(t.Domains) > 0 {
		config.ServerName = t.Domains[0] // the server picks the certificate by it
	}
	return &http.Transport{DisableKeepAlives: true, TLSClientConfig: config}
}
