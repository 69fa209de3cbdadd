package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docker/docker/client"
)

// engineProxy passes calls on to the engine. While soft is set it takes what hardens a
// container out of the call that creates it, and counts these.
type engineProxy struct {
	soft  atomic.Bool
	taken atomic.Int32

	cli    *client.Client
	dir    string
	server *http.Server
	served chan error
}

// startEngineProxy serves on a socket of its own until close.
func startEngineProxy() (*engineProxy, error) {
	cli, err := client.NewClientWithOpts(client.FromEnv)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "vivarium-bench-")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", filepath.Join(dir, "engine.sock"))
	if err != nil {
		return nil, err
	}
	p := &engineProxy{cli: cli, dir: dir, served: make(chan error, 1)}
	p.server = &http.Server{Handler: p.handler(), ReadHeaderTimeout: time.Minute}
	go func() { p.served <- p.server.Serve(l) }()
	return p, nil
}

// host is the proxy for DOCKER_HOST.
func (p *engineProxy) host() string { return "unix://" + filepath.Join(p.dir, "engine.sock") }

func (p *engineProxy) close() error {
	err := p.server.Close()
	<-p.served
	p.cli.Close()
	if removed := os.RemoveAll(p.dir); err == nil {
		err = removed
	}
	return err
}

func (p *engineProxy) handler() http.Handler {
	dial := p.cli.Dialer()
	pass := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
		Transport:     &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }},
		FlushInterval: -1, // what is streamed is to arrive
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/containers/create") {
			// Both sides are read and written anew, so that both pay for it.
			if err := p.rewrite(r); err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
		}
		pass.ServeHTTP(w, r)
	})
}

func (p *engineProxy) rewrite(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	soft := p.soft.Load()
	if body, err = recreate(body, soft); err != nil {
		return err
	}
	if soft {
		p.taken.Add(1)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Del("Content-Length")
	return nil
}

// hardening are the settings of a container that its build does not need.
var hardening = []string{
	"CapDrop", "ReadonlyRootfs", "Memory", "MemorySwap", "NanoCpus", "PidsLimit", "Ulimits", "IpcMode", "CgroupnsMode",
}

// recreate writes a call that creates a container anew, without the hardening when soft.
func recreate(body []byte, soft bool) ([]byte, error) {
	var call map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // sizes stay as they are
	if err := d.Decode(&call); err != nil {
		return nil, fmt.Errorf("read the call that creates a container: %w", err)
	}
	host, ok := call["HostConfig"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the call that creates a container has no HostConfig: %.200s", body)
	}
	if soft {
		for _, name := range hardening {
			if _, ok := host[name]; !ok {
				return nil, fmt.Errorf("the product does not set %s: is the list right?", name)
			}
			delete(host, name)
		}
		host["SecurityOpt"] = []string{"seccomp=unconfined"} // else the engine's own profile holds
	}
	return json.Marshal(call)
}
