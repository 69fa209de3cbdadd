package engineproxy

import (
	"net"
	"sync"
)

// breaker is a listener that can cut or hold up all its connections at once, like an engine that
// goes away or stalls.
type breaker struct {
	net.Listener

	mu      sync.Mutex
	conns   map[*brokenConn]bool
	cut     bool
	stalled chan struct{} // not nil while the engine stalls; closed when that is over
}

func newBreaker(l net.Listener) *breaker { return &breaker{Listener: l, conns: map[*brokenConn]bool{}} }

// Accept drops connections that come while the engine is away.
func (b *breaker) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &brokenConn{Conn: conn, b: b}
		b.mu.Lock()
		dropped := b.cut
		if !dropped {
			b.conns[c] = true
		}
		b.mu.Unlock()
		if !dropped {
			return c, nil
		}
		conn.Close()
	}
}

func (b *breaker) setCut(cut bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = cut
	for c := range b.conns {
		if cut {
			c.Conn.Close()
		}
	}
}

func (b *breaker) setStalled(stalled bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case stalled && b.stalled == nil:
		b.stalled = make(chan struct{})
	case !stalled && b.stalled != nil:
		close(b.stalled)
		b.stalled = nil
	}
}

// wait blocks while the engine stalls.
func (b *breaker) wait() {
	b.mu.Lock()
	stalled := b.stalled
	b.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}

// brokenConn is one connection of a client.
type brokenConn struct {
	net.Conn
	b *breaker
}

func (c *brokenConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.b.wait()
	return n, err
}

func (c *brokenConn) Write(p []byte) (int, error) {
	c.b.wait()
	return c.Conn.Write(p)
}

func (c *brokenConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (c *brokenConn) Close() error {
	c.b.mu.Lock()
	delete(c.b.conns, c)
	c.b.mu.Unlock()
	return c.Conn.Close()
}

// Cut makes the engine go away: every connection ends, and nobody is answered until Restore.
func (p *Proxy) Cut() { p.breaker.setCut(true) }

// Stall makes the engine take connections and answer nothing until Restore.
func (p *Proxy) Stall() { p.breaker.setStalled(true) }

// Restore ends what Cut and Stall began.
func (p *Proxy) Restore() {
	p.breaker.setCut(false)
	p.breaker.setStalled(false)
}
