package server

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox/eventually"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/shares"
)

// from is a listener whose connections appear to come from a given address.
type from struct {
	net.Listener
	peer net.Addr
}

type fromConn struct {
	net.Conn
	peer net.Addr
}

func (l *from) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return fromConn{c, l.peer}, err
}

func (c fromConn) RemoteAddr() net.Addr { return c.peer }

func TestConnectionsOfOneNetworkAreBounded(t *testing.T) {
	stranger, proxy := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")
	for _, c := range []struct {
		peer netip.Addr
		most int
	}{{stranger, 2}, {proxy, 4}, {netip.MustParseAddr("127.0.0.1"), 4}} {
		t.Run(c.peer.String(), func(t *testing.T) {
			s := newSite(t)
			s.config.TrustedProxies = []netip.Prefix{netip.PrefixFrom(proxy, 32)}
			s.small(func(b *bounds) { b.connections = 8 })
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			hs := &httptest.Server{
				Listener: s.bounded(&from{l, net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.peer, 1))}),
				Config:   &http.Server{Handler: s.Handler(), ReadHeaderTimeout: time.Minute},
			}
			hs.Start()
			defer hs.Close()
			var answered []net.Conn
			for range 4 {
				c := dial(t, l.Addr().String())
				if healthy(c) == nil {
					answered = append(answered, c)
				}
			}
			if len(answered) != c.most {
				t.Fatalf("%d of 4 connections are answered, want %d", len(answered), c.most)
			}
			answered[0].Close()
			eventually.Holds(t, "it is answered once another has gone", func() bool {
				return healthy(dial(t, l.Addr().String())) == nil
			})
		})
	}
}

func healthy(c net.Conn) error {
	fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	_, err := http.ReadResponse(bufio.NewReader(c), nil)
	return err
}

func TestOneNetworkLeavesReadersAndDeliveriesToOthers(t *testing.T) {
	s := newSite(t)
	stream := buildPath(s.push("o/n", false)) + "/events"
	push := events.Push{Repo: "o/n", SHA: strings.Repeat("a", 40)}.Payload()
	for name, c := range map[string]struct {
		of  **shares.Shares
		all int64
		ask func(from func(*http.Request)) answer
	}{
		"a follower": {&s.bounds.followers, 4, func(from func(*http.Request)) answer {
			return s.do(httptest.NewRequest(http.MethodHead, stream, nil), from)
		}},
		"a delivery": {&s.bounds.bodies, 4 * shares.BodyStep, func(from func(*http.Request)) answer {
			return s.deliver("push", push, from)
		}},
	} {
		ask := func(client string) answer { return c.ask(func(r *http.Request) { r.RemoteAddr = client + ":1" }) }
		*c.of = shares.New(c.all)
		if a := ask("192.0.2.1"); a.code/100 != 2 {
			t.Fatalf("%s while there is room: %d %s", name, a.code, a.body)
		}
		if err := (*c.of).Take("192.0.2.1", c.all/shares.Divisor); err != nil {
			t.Fatal(err)
		}
		if a := ask("192.0.2.1"); a.code != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
			t.Errorf("%s of a network that has its share: %d %s", name, a.code, a.body)
		}
		if a := ask("192.0.2.2"); a.code/100 != 2 {
			t.Errorf("%s of another network: %d %s", name, a.code, a.body)
		}
	}
}
