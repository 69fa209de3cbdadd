// Package incoming knows for each connection whether a request on it has not arrived in full.
package incoming

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
)

// Connections holds the open connections and, for each, what has not arrived yet of its requests. A
// shutdown does not wait for connections with an incomplete request.
type Connections struct {
	mu   sync.Mutex
	open map[net.Conn]*owing
}

// owing is what one connection still owes.
type owing struct {
	mu sync.Mutex
	// header is that of the first request. Before the header of a later request the connection
	// counts as idle, and a shutdown closes it at once.
	header bool
	bodies int // HTTP/2 has several requests on one connection
}

type owingKey struct{}

// Connected attaches to the context of a connection's requests what the connection owes
// (http.Server.ConnContext).
func (in *Connections) Connected(ctx context.Context, c net.Conn) context.Context {
	its := &owing{header: true}
	locked(&in.mu, func() {
		if in.open == nil {
			in.open = map[net.Conn]*owing{}
		}
		in.open[c] = its
	})
	return context.WithValue(ctx, owingKey{}, its)
}

// Changed tracks a connection's state (http.Server.ConnState).
func (in *Connections) Changed(c net.Conn, state http.ConnState) {
	var its *owing
	locked(&in.mu, func() {
		its = in.open[c]
		if state == http.StateClosed || state == http.StateHijacked {
			delete(in.open, c)
		}
	})
	if its == nil {
		return
	}
	locked(&its.mu, func() {
		switch state {
		case http.StateActive:
			its.header = false
		case http.StateIdle: // also after a body that no handler read
			its.header, its.bodies = false, 0
		}
	})
}

// Cut closes the connections that still owe something, and returns their number.
func (in *Connections) Cut() (n int) {
	var late []net.Conn
	locked(&in.mu, func() {
		for c, its := range in.open {
			its.mu.Lock()
			if its.header || its.bodies > 0 {
				late = append(late, c)
			}
			its.mu.Unlock()
		}
	})
	for _, c := range late {
		_ = c.Close() // nobody waits for the client
	}
	return len(late)
}

// Awaited is a body that its connection owes until the body has been read to the end.
func Awaited(r *http.Request, body io.ReadCloser) io.ReadCloser {
	its, ok := r.Context().Value(owingKey{}).(*owing)
	if !ok {
		return body // the server does not run by way of Run
	}
	locked(&its.mu, func() { its.bodies++ })
	return &awaitedBody{ReadCloser: body, arrived: sync.OnceFunc(func() {
		locked(&its.mu, func() { its.bodies = max(0, its.bodies-1) })
	})}
}

type awaitedBody struct {
	io.ReadCloser
	arrived func()
}

func (b *awaitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.arrived()
	}
	return n, err
}

func locked(mu *sync.Mutex, f func()) {
	mu.Lock()
	defer mu.Unlock()
	f()
}
