// Package egresstest offers the two servers that a sandbox may reach, in miniature and
// real: a git host over git's own http-backend, and a Python package index that keeps
// its files on a second origin, as PyPI does. Tests, the demo and the benchmark use them.
package egresstest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Request is one line of a server's request log.
type Request struct {
	Method string
	Path   string // with the query
	Host   string
	Header http.Header
}

// server is one listener with a request log and a fault that can be switched.
type server struct {
	addr string
	http *http.Server
	done chan struct{}

	mu       sync.Mutex
	fault    Fault
	requests []Request
}

// listen starts to serve h on addr; an empty addr is a free port on loopback. wrap may
// put TLS around the listener.
func listen(addr string, h http.Handler, wrap func(net.Listener) net.Listener) (*server, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	s := &server{addr: l.Addr().String(), done: make(chan struct{})}
	s.http = &http.Server{Handler: s.handler(h), ReadHeaderTimeout: 30 * time.Second}
	if wrap != nil {
		l = wrap(l)
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l)
	}()
	return s, nil
}

func (s *server) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, Request{r.Method, r.URL.RequestURI(), r.Host, r.Header.Clone()})
		fault := s.fault
		s.mu.Unlock()
		if fault != nil {
			fault(h).ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func (s *server) setFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

func (s *server) log() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// close stops the server; connections that do not end by themselves are cut.
func (s *server) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	<-s.done
	return err
}
