package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/client"

	"vivarium/images/imagestest"
)

// engineProxy stands in front of the engine, as a socket proxy does, and tells what goes through.
type engineProxy struct {
	host string // for DOCKER_HOST

	mu       sync.Mutex
	calls    map[string]bool // METHOD /path/{of}/it
	attached string          // the container that was attached to last
	drop     func(hostConfig map[string]any)
}

// startEngineProxy serves until the test ends.
func startEngineProxy(t *testing.T) *engineProxy {
	t.Helper()
	imagestest.RequireEngine(t)
	p := &engineProxy{calls: make(map[string]bool)}
	socket := filepath.Join(t.TempDir(), "e.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	p.host = "unix://" + socket
	s := &http.Server{Handler: p.handler(t)}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-served })
	return p
}

func (p *engineProxy) handler(t *testing.T) http.Handler {
	cli, err := client.NewClientWithOpts(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cli.Close() })
	dial := cli.Dialer()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "engine"})
			p.note(r.In)
			p.spoil(r.Out)
		},
		Transport:     transport,
		FlushInterval: -1, // what is streamed is to arrive
	}
}

func (p *engineProxy) note(r *http.Request) {
	call := callOf(r.Method, r.URL.Path)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[call] = true
	if strings.HasSuffix(call, "/attach") {
		p.attached = strings.Split(r.URL.Path, "/")[3]
	}
}

// spoil makes the engine one that drops a setting of a container.
func (p *engineProxy) spoil(r *http.Request) {
	p.mu.Lock()
	f := p.drop
	p.mu.Unlock()
	if f == nil || callOf(r.Method, r.URL.Path) != "POST /containers/create" {
		return
	}
	var config map[string]any
	if err := json.NewDecoder(r.Body).Decode(&config); err != nil {
		return // the engine says what is wrong
	}
	f(config["HostConfig"].(map[string]any))
	text, _ := json.Marshal(config) // it was JSON
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
}

func (p *engineProxy) setDrop(f func(hostConfig map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop = f
}

// callOf takes the API's version and the names out of a call.
func callOf(method, path string) string {
	part := strings.Split(strings.Trim(path, "/"), "/")
	if strings.HasPrefix(part[0], "v1.") {
		part = part[1:]
	}
	fixed := map[string]bool{"create": true, "json": true, "load": true, "get": true, "prune": true}
	switch {
	case len(part) < 2 || len(part) == 2 && fixed[part[1]]:
	case part[0] == "containers":
		part[1] = "{id}"
	case part[0] == "images": // a name may have slashes
		last := part[len(part)-1]
		if part = []string{"images", "{name}"}; last == "json" || last == "tag" || last == "push" || last == "history" {
			part = append(part, last)
		}
	}
	return method + " /" + strings.Join(part, "/")
}
