package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/sandbox/eventually"
	"vivarium/server/shares"
)

// small lowers the server's bounds.
func (s *site) small(change func(*bounds)) { change(&s.bounds) }

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestNoRouteWaitsForASlowBody sends the first byte of a body and then nothing. The control sends
// all of it, which may take longer on a busy machine.
func TestNoRouteWaitsForASlowBody(t *testing.T) {
	for _, body := range []struct {
		sent string
		time time.Duration
		ends bool // whether the server ends the connection
	}{{"x", 200 * time.Millisecond, true}, {strings.Repeat("x", 1000), time.Minute, false}} {
		s := newSite(t)
		s.small(func(b *bounds) { b.body = body.time })
		id := s.push("o/n", false)
		asked := 0
		for _, r := range s.routes() {
			path := strings.NewReplacer("{id}", fmt.Sprint(id), "/*", "/none").Replace(r.path)
			if strings.HasSuffix(path, "/events") {
				continue // it writes on
			}
			c := dial(t, s.http.Listener.Addr().String())
			fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n%s", r.method, path, body.sent)
			in := bufio.NewReader(c)
			resp, err := http.ReadResponse(in, nil)
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
			}
			if err != nil && (!body.ends || isTimeout(err)) {
				t.Errorf("%s %s with %d bytes of 1000: %v", r.method, path, len(body.sent), err)
				continue
			}
			fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
			_, err = http.ReadResponse(in, nil)
			if (err != nil) != body.ends || isTimeout(err) {
				t.Errorf("%s %s with %d bytes of 1000: the next request is answered with error %v; want one: %v",
					r.method, path, len(body.sent), err, body.ends)
			}
			asked++
		}
		if asked < 5 {
			t.Errorf("only %d requests were made", asked)
		}
	}
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

func TestConnectionsAreBounded(t *testing.T) {
	s := newSite(t)
	s.small(func(b *bounds) { b.connections = 2 })
	addr := s.run()
	first, second, third := dial(t, addr), dial(t, addr), dial(t, addr)
	for _, c := range []net.Conn{first, second} {
		if err := healthy(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := third.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if err := healthy(third); !isTimeout(err) {
		t.Errorf("a connection too many: %v, want no answer", err)
	}
	first.Close()
	if err := third.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := http.ReadResponse(bufio.NewReader(third), nil); err != nil {
		t.Errorf("once another has gone: %v", err)
	}
}

// endless always has another connection.
type endless struct {
	net.Listener
	made int
}

func (l *endless) Accept() (net.Conn, error) {
	l.made++
	return &fromConn{nothing{}, net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:1"))}, nil
}

type nothing struct{ net.Conn }

func (nothing) Close() error { return nil }

// TestWaitingConnectionsAreAllTaken ends each connection when the next waits: the next must be
// accepted, and not refused because the one before still counts.
func TestWaitingConnectionsAreAllTaken(t *testing.T) {
	s := newSite(t)
	s.small(func(b *bounds) { b.connections = 1 })
	waiting := &endless{}
	l := s.bounded(waiting)
	const want = 200_000
	for range want {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		go c.Close()
	}
	if waiting.made != want {
		t.Errorf("%d connections had to come for %d to be taken", waiting.made, want)
	}
}

func TestFollowersAreBounded(t *testing.T) {
	s := newSite(t)
	s.small(func(b *bounds) { b.followers = shares.New(1) })
	id := s.push("o/n", false)
	resp := s.open(t.Context(), buildPath(id)+"/events", nil)
	if resp.StatusCode != 200 {
		t.Fatalf("the first is answered %d", resp.StatusCode)
	}
	for _, path := range []string{"/events", "/raw?follow=1"} {
		a := s.get(buildPath(id) + path)
		a.wantProblem(t, http.StatusServiceUnavailable)
		if a.header.Get("Retry-After") == "" || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: headers %v", path, a.header)
		}
	}
	if a := s.get(buildPath(id) + "/raw"); a.code != 200 {
		t.Errorf("who does not follow is answered %d", a.code)
	}
	resp.Body.Close()
	eventually.Holds(t, "there is room for another", func() bool {
		r := s.open(t.Context(), buildPath(id)+"/events", nil)
		defer r.Body.Close()
		return r.StatusCode == 200
	})
}

func TestHeadIsAnsweredAsGetWithoutABody(t *testing.T) {
	s := newSite(t)
	id := s.push("o/n", false)
	sc := s.work()
	sc.start(pipeline.StepTest)
	sc.write(pipeline.StepTest, pipeline.Stdout, "text\n")
	for _, r := range s.routes() {
		path := strings.NewReplacer("{id}", fmt.Sprint(id), "/*", "/none").Replace(r.path)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, s.http.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req) // returns from streams too
		if err != nil {
			t.Fatalf("HEAD %s: %v", path, err)
		}
		resp.Body.Close()
		want, kind := http.StatusMethodNotAllowed, "application/json"
		if r.path == signInPath || r.method == http.MethodGet && !strings.HasSuffix(path, "/events") {
			a := s.do(httptest.NewRequest(http.MethodGet, path, nil))
			want, kind = a.code, a.header.Get("Content-Type")
		}
		if strings.HasSuffix(path, "/events") {
			want, kind = 200, "text/event-stream"
		}
		if got := resp.Header.Get("Content-Type"); resp.StatusCode != want || !strings.HasPrefix(got, kind) {
			t.Errorf("HEAD %s: %d %s, want %d %s", path, resp.StatusCode, got, want, kind)
		}
	}
	sc.end(pipeline.Outcome{State: pipeline.Passed})
	s.ended(id)
}
