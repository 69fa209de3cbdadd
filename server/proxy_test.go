package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"vivarium/server/store"

	"github.com/labstack/echo/v4"
)

// trust makes the site trust proxies.
func trust(networks ...string) func(*Config) {
	return func(c *Config) {
		for _, n := range networks {
			c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix(n))
		}
	}
}

// ask sends a request from a loopback address of the test's choice, over a connection of its own.
func (s *site) ask(from, path string, header http.Header) string {
	s.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: d.DialContext}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.http.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = header.Clone()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}

// addClient adds an address that tells who asks, as handlers see it.
func (s *site) addClient() {
	s.echo.GET("/client", func(c echo.Context) error { return c.String(http.StatusOK, c.RealIP()) })
}

// claims are all ways in which a client may say that it is another.
var claims = http.Header{
	"X-Forwarded-For":  {"198.51.100.9"},
	"X-Real-Ip":        {"198.51.100.9"},
	"Forwarded":        {"for=198.51.100.9"},
	"True-Client-Ip":   {"198.51.100.9"},
	"X-Client-Ip":      {"198.51.100.9"},
	"Cf-Connecting-Ip": {"198.51.100.9"},
}

func TestClaimsOfAnAddressCountFromTrustedProxiesAlone(t *testing.T) {
	s := newSite(t, trust("127.0.0.2/32"))
	s.addClient()
	if got := s.ask("127.0.0.2", "/client", claims); got != "198.51.100.9" {
		t.Errorf("control: a trusted proxy's word is taken as %s", got)
	}
	for _, from := range []string{"127.0.0.1", "127.0.0.3"} {
		if got := s.ask(from, "/client", claims); got != from {
			t.Errorf("%s passes as %s", from, got)
		}
	}
	none := newSite(t)
	none.addClient()
	if got := none.ask("127.0.0.1", "/client", claims); got != "127.0.0.1" {
		t.Errorf("without trusted proxies, 127.0.0.1 passes as %s", got)
	}
}

func TestClientIsTheLastAddressThatNoTrustedProxyHas(t *testing.T) {
	address := clientAddress(unmap([]netip.Prefix{netip.MustParsePrefix("10.0.0.7/24"),
		netip.MustParsePrefix("::ffff:192.0.2.0/120"), netip.MustParsePrefix("2001:db8::/64")}))
	for _, c := range []struct{ name, peer, forwarded, want string }{
		{"a chain of proxies", "10.0.0.1:1", "198.51.100.9, 192.0.2.4", "198.51.100.9"},
		{"what the client claimed before", "10.0.0.1:1", "127.0.0.1, 198.51.100.9", "198.51.100.9"},
		{"a private client", "10.0.0.1:1", "203.0.113.5, 10.9.9.9", "10.9.9.9"},
		{"a loopback client", "10.0.0.1:1", "203.0.113.5, 127.0.0.1", "127.0.0.1"},
		{"a link-local client", "10.0.0.1:1", "203.0.113.5, 169.254.1.1", "169.254.1.1"},
		{"the same proxy as IPv4 in IPv6", "[::ffff:10.0.0.1]:1", "198.51.100.9", "198.51.100.9"},
		{"a network given as IPv4 in IPv6", "192.0.2.7:1", "198.51.100.9", "198.51.100.9"},
		{"IPv6", "[2001:db8::1]:1", "2001:db8:1::9", "2001:db8:1::9"},
		{"no header", "10.0.0.1:1", "", "10.0.0.1"},
		{"words in place of an address", "10.0.0.1:1", "unknown", "10.0.0.1"},
		{"beside the network", "10.0.1.1:1", "198.51.100.9", "10.0.1.1"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := address(r); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestTrustedProxyIsNeverLocal(t *testing.T) {
	for peer, want := range map[string]int{"127.0.0.1": 404, "127.0.0.3": 200} {
		s := newSite(t, trust("127.0.0.1/32"))
		id := s.push("o/private", true)
		a := s.get(buildPath(id), func(r *http.Request) { r.RemoteAddr, r.Host = peer+":4000", "localhost:8001" })
		if a.code != want {
			t.Errorf("a private build is answered %d to %s, without a header that tells of a proxy; want %d",
				a.code, peer, want)
		}
	}
}

func TestNobodyIsTrustedWhoCouldBeAnybody(t *testing.T) {
	for network, ok := range map[string]bool{"0.0.0.0/0": false, "::/0": false, "::ffff:0.0.0.0/96": false,
		"10.0.0.0/8": true} {
		c := Config{ServerURL: "https://github.com", WebhookSecret: "s", Repositories: everyone, Key: testKey,
			Log: newSite(t).log}
		c.Ready = func(context.Context) error { return nil }
		trust(network)(&c)
		if _, err := New(c, &store.Store{}); (err == nil) != ok || err != nil &&
			!strings.Contains(err.Error(), "VIVARIUM_TRUSTED_PROXIES") {
			t.Errorf("%s: %v, want it taken: %v", network, err, ok)
		}
	}
}
