package attack

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server"
	"vivarium/server/store"
	"vivarium/server/store/queue"
)

// theProxy is the only address that may say which client a request comes from.
const theProxy = "127.0.0.2"

// guesses is more guesses than one network may make at once.
const guesses = 40

// TestClaimedAddresses guesses tokens and claims another address each time, so as not to be slowed
// down. It also comes by way of a proxy on the server's machine, to be taken for a program there.
func TestClaimedAddresses(t *testing.T) {
	builds, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	r := receive(t, builds, func(c *server.Config) {
		c.Repositories = []string{"octo/*"}
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(theProxy + "/32")}
	})
	claim := func(name, form string) func(int) http.Header {
		return func(i int) http.Header { return http.Header{name: {fmt.Sprintf(form, i)}} }
	}
	if n := r.guess(t, theProxy, claim("X-Forwarded-For", "198.51.100.%d")); n != guesses {
		t.Fatalf("control: a trusted proxy's clients are slowed down together, after %d", n)
	}
	control := fmt.Sprintf("of %d clients, as the trusted proxy tells them apart, none is slowed down", guesses)
	for i, c := range []struct {
		name, tried, from string
		header            func(int) http.Header
	}{
		{"forwarded-for", "another X-Forwarded-For each time", "", claim("X-Forwarded-For", "198.51.100.%d")},
		{"real-ip", "another X-Real-IP each time", "", claim("X-Real-Ip", "198.51.100.%d")},
		{"forwarded", "another Forwarded each time", "", claim("Forwarded", "for=198.51.100.%d")},
		{
			"claims-the-proxy",
			"the trusted proxy's address behind another each time",
			"",
			claim("X-Forwarded-For", "198.51.100.%d, "+theProxy),
		},
		{
			"through-the-proxy",
			"another address each time, before the one that the proxy adds",
			theProxy,
			claim("X-Forwarded-For", "198.51.100.%d, 203.0.113.9"),
		},
		{
			"private-through-the-proxy",
			"the same, from a private address that Echo would trust",
			theProxy,
			claim("X-Forwarded-For", "198.51.100.%d, 10.0.0.9"),
		},
	} {
		attack(t, c.name, c.tried, func(t *testing.T, l *line) {
			l.control = control
			if c.from == "" {
				c.from = fmt.Sprintf("127.0.1.%d", i+1)
			}
			n := r.guess(t, c.from, c.header)
			if n == guesses {
				t.Errorf("%d guesses, and none was refused", n)
			}
			l.outcome = fmt.Sprintf("refused after %d guesses", n)
		})
	}
	attack(t, "local", "a private build through a proxy on the "+
		"server's machine that leaves no header", func(t *testing.T, l *line) {
		a, err := builds.Queue.AcceptPush(t.Context(), queue.Push{
			GUID:     "1",
			BodyHash: "1",
			Ref:      "refs/heads/main",
			SHA:      strings.Repeat("a", 40),
			Repo:     pipeline.Repository{ID: 1, FullName: "octo/private", DefaultBranch: "main", Private: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("/logs/%d", a.BuildID)
		if code := r.from(t, "127.0.0.3", http.MethodGet, path, "", nil); code != http.StatusOK {
			t.Fatalf("control: a program on the machine is answered %d", code)
		}
		l.control = "a program on the machine is answered 200"
		code := r.from(t, theProxy, http.MethodGet, path, "", nil)
		if code != http.StatusNotFound {
			t.Errorf("answered %d", code)
		}
		l.outcome = fmt.Sprint(code)
	})
}

// guess signs in with wrong tokens from an address and gives how many were tried before one was
// refused unread.
func (r *receiver) guess(t *testing.T, from string, header func(int) http.Header) (tried int) {
	t.Helper()
	form := url.Values{"token": {"viv_guess"}}.Encode()
	for i := range guesses {
		switch code := r.from(t, from, http.MethodPost, "/sign-in", form, header(i)); code {
		case http.StatusTooManyRequests:
			return i
		case http.StatusUnauthorized:
		default:
			t.Fatalf("a guess is answered %d", code)
		}
	}
	return guesses
}

// from sends a request from a loopback address, over a connection of its own, and gives the
// answer's status.
func (r *receiver) from(t *testing.T, address, method, path, form string, header http.Header) int {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	req, err := http.NewRequestWithContext(t.Context(), method, r.URL+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := (&http.Transport{DisableKeepAlives: true, DialContext: d.DialContext}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
