// Package engineproxy stands in front of the Docker Engine on a socket of its own, for tests and
// benchmarks that look at the calls that Vivarium makes, or change them on their way. Streams and
// hijacked connections pass as they come.
package engineproxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/docker/docker/client"
)

// Proxy is a running proxy.
type Proxy struct {
	Host string // for DOCKER_HOST

	cli       *client.Client
	dir       string
	transport *http.Transport
	server    *http.Server
	breaker   *breaker
	served    chan error
}

// Start serves until Close. before sees each call and may change it. If before fails, the call is
// answered 502 with its error.
func Start(before func(*http.Request) error) (*Proxy, error) {
	cli, err := client.NewClientWithOpts(client.FromEnv)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "vivarium-engine-")
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "engine.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	dial := cli.Dialer()
	p := &Proxy{
		Host: "unix://" + socket, cli: cli, dir: dir, served: make(chan error, 1), breaker: newBreaker(l),
		transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(ctx)
		}},
	}
	p.server = &http.Server{Handler: p.handler(before), ReadHeaderTimeout: time.Minute}
	go func() { p.served <- p.server.Serve(p.breaker) }()
	return p, nil
}

func (p *Proxy) handler(before func(*http.Request) error) http.Handler {
	pass := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
		Transport:     p.transport,
		FlushInterval: -1, // flush each write, so that streams arrive as they are written
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := before(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		pass.ServeHTTP(w, r)
	})
}

// Close ends the proxy and removes its socket.
func (p *Proxy) Close() error {
	p.Restore()
	err := p.server.Close()
	<-p.served
	p.transport.CloseIdleConnections()
	return errors.Join(err, p.cli.Close(), os.RemoveAll(p.dir))
}

// CreatesContainer reports whether r is the call that creates a container.
func CreatesContainer(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/containers/create")
}

// ChangeSettings rewrites a call that creates a container, with its HostConfig changed.
func ChangeSettings(r *http.Request, change func(host map[string]any) error) error {
	return ChangeCall(r, func(call map[string]any) error { return changeHost(call, change) })
}

// ChangeCall is like ChangeSettings, but for the whole call.
func ChangeCall(r *http.Request, change func(call map[string]any) error) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if body, err = recreate(body, change); err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Del("Content-Length")
	return nil
}

// Recreate is like ChangeSettings, but for the body of a call.
func Recreate(body []byte, change func(host map[string]any) error) ([]byte, error) {
	return recreate(body, func(call map[string]any) error { return changeHost(call, change) })
}

func changeHost(call map[string]any, change func(host map[string]any) error) error {
	host, ok := call["HostConfig"].(map[string]any)
	if !ok {
		return errors.New("the call that creates a container has no HostConfig")
	}
	return change(host)
}

func recreate(body []byte, change func(call map[string]any) error) ([]byte, error) {
	var call map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // keeps large sizes exact
	if err := d.Decode(&call); err != nil {
		return nil, fmt.Errorf("read the call that creates a container: %w", err)
	}
	if err := change(call); err != nil {
		return nil, err
	}
	return json.Marshal(call)
}
