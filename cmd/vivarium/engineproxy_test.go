package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"vivarium/images/imagestest"
	"vivarium/sandbox/engineproxy"
)

// engineProxy stands before the engine, as a socket proxy does, and reports the calls.
type engineProxy struct {
	host string // for DOCKER_HOST

	mu       sync.Mutex
	calls    map[string]bool // METHOD /path/{of}/it
	attached string          // the last container that was attached to
	drop     func(hostConfig map[string]any)
	tell     func(call string, r *http.Request) // called for each call, before it goes on
}

// startEngineProxy serves until the test ends.
func startEngineProxy(t *testing.T) *engineProxy {
	t.Helper()
	imagestest.RequireEngine(t)
	p := &engineProxy{calls: make(map[string]bool)}
	proxy, err := engineproxy.Start(p.before)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	p.host = proxy.Host
	return p
}

// before makes the engine drop a setting of a container, where the test asks for it.
func (p *engineProxy) before(r *http.Request) error {
	p.note(r)
	p.mu.Lock()
	drop, tell := p.drop, p.tell
	p.mu.Unlock()
	if tell != nil {
		tell(callOf(r.Method, r.URL.Path), r)
	}
	if drop == nil || !engineproxy.CreatesContainer(r) {
		return nil
	}
	return engineproxy.ChangeSettings(r, func(host map[string]any) error {
		drop(host)
		return nil
	})
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

func (p *engineProxy) setDrop(f func(hostConfig map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop = f
}

// callOf removes the API's version and the names from a call.
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
