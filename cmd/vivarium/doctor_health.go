package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"vivarium/server"
)

// healthTimeout is below that of the Dockerfile's HEALTHCHECK.
const healthTimeout = 2 * time.Second

// health asks the server that the settings describe whether it lives. It needs neither
// engine nor database, and takes no way but the direct one.
func (c *checkup) health(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	u, err := healthURL(c.config.addr, c.config.tls)
	if err != nil {
		c.add(essential, "server", "%v", err)
		return
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		c.add(essential, "server", "%v", err)
		return
	}
	r, err := healthTransport(c.config.tls).RoundTrip(q)
	if err != nil {
		c.add(essential, "server", "%s does not answer: %v; start it with `vivarium serve`, or set VIVARIUM_ADDR to where it listens", u, err)
		return
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		c.add(essential, "server", "%s answers %s; is it this server that listens there?", u, r.Status)
		return
	}
	c.add(fine, "server", "%s answers", u)
}

// healthURL is where a server that listens on addr can be asked from the same machine.
func healthURL(addr string, t server.TLS) (*url.URL, error) {
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

// healthTransport does not check the certificate: it is for the public name and not for this
// address, nothing secret is sent, and the answer is taken for no more than a sign of life.
func healthTransport(t server.TLS) *http.Transport {
	config := &tls.Config{InsecureSkipVerify: true}
	if len(t.Domains) > 0 {
		config.ServerName = t.Domains[0] // by which the certificate is found
	}
	return &http.Transport{DisableKeepAlives: true, TLSClientConfig: config}
}
