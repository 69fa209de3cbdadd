package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/yamux"

	"vivarium/sandbox/wire"
)

// Bounds of what a process in the sandbox can make the server hold.
const (
	maxConnections = 128 // over all services
	maxStreams     = 512 // open or half closed; a correct PID 1 stays far below
	headerTimeout  = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// Service is an HTTP service that the server offers inside the sandbox.
type Service struct {
	URL string // http://127.0.0.1:PORT, without a slash at the end

	sandbox *Sandbox
	name    string
	number  uint32
	call    *call
	server  *http.Server
	conns   *connQueue
	cancel  context.CancelFunc // of every request's context
	served  sync.WaitGroup     // the server

	// Held for reading by every request being answered.
	answering sync.RWMutex
	stopped   bool

	once sync.Once
	err  error
}

// Offer serves h inside the sandbox until the service or the sandbox is closed.
// h must return when its request's context ends.
func (s *Sandbox) Offer(ctx context.Context, name string, h http.Handler) (*Service, error) {
	v := newService(ctx, s, name, h)
	v.served.Go(func() { _ = v.server.Serve(v.conns) })
	if err := v.register(); err != nil {
		v.stop()
		return nil, fmt.Errorf("offer %s in the sandbox: %w", name, err)
	}
	if err := v.listen(ctx); err != nil {
		v.stop()
		return nil, s.why(ctx, "offer "+name+" in the sandbox", err)
	}
	return v, nil
}

// newService makes a service whose requests end with it, not with the call of Offer.
func newService(ctx context.Context, s *Sandbox, name string, h http.Handler) *Service {
	v := &Service{sandbox: s, name: name, conns: newConnQueue()}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	v.cancel = cancel
	v.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			v.answering.RLock()
			defer v.answering.RUnlock()
			// A client that hangs up in the middle of an answer reads no more. Without this, a
			// write would wait for it.
			conn := http.NewResponseController(w)
			left := context.AfterFunc(r.Context(), func() { _ = conn.SetWriteDeadline(time.Unix(1, 0)) })
			defer left()
			if !v.stopped {
				h.ServeHTTP(w, r)
			}
		}),
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(io.Discard, "", 0), // a hostile client decides what it would say
	}
	return v
}

// register makes the service known to connections, under a number of its own.
func (v *Service) register() error {
	s := v.sandbox
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.next++
	v.number = s.next
	s.services[v.number] = v
	return nil
}

// listen has PID 1 open a port.
func (v *Service) listen(ctx context.Context) error {
	call, err := v.sandbox.call(wire.Request{Listen: &wire.Listen{Service: v.number}})
	if err != nil {
		return err
	}
	stop := call.unblock(ctx)
	reply, err := call.reply()
	if !stop() {
		err = context.Cause(ctx)
	}
	if err == nil && (reply.Port < 1 || reply.Port > 65535) {
		err = errProtocol
	}
	if err != nil {
		call.stream.Close()
		return err
	}
	v.call = call
	v.URL = fmt.Sprintf("http://127.0.0.1:%d", reply.Port)
	return nil
}

// Close ends the service. When it returns, the port is closed, connections are cut, and no request
// is being answered. It may be called twice.
func (v *Service) Close() error {
	v.once.Do(func() {
		v.stop()
		v.err = v.unlisten()
	})
	return v.err
}

// unlisten has PID 1 close the port. A sandbox that is gone has none.
func (v *Service) unlisten() error {
	_ = v.call.stream.SetReadDeadline(time.Now().Add(killTimeout))
	v.call.stream.Close()
	_, err := v.call.reply()
	if err != nil && !v.sandbox.session.IsClosed() {
		return fmt.Errorf("withdraw %s from the sandbox: %w", v.name, err)
	}
	return nil
}

// stop ends the server's side: no request is answered after it. It may be called twice.
func (v *Service) stop() {
	v.sandbox.mu.Lock()
	delete(v.sandbox.services, v.number)
	v.sandbox.mu.Unlock()
	v.cancel()
	_ = v.server.Close() // closing a connection that is cut may fail
	v.conns.Close()
	v.served.Wait()
	v.answering.Lock()
	v.stopped = true
	v.answering.Unlock()
}

// accept takes the connections that processes make to services, until the session ends.
func (s *Sandbox) accept() {
	slots := make(chan struct{}, maxConnections)
	for {
		stream, err := s.session.AcceptStream()
		if err != nil {
			return
		}
		if s.session.NumStreams() > maxStreams {
			s.engine.log.Warn("PID 1 of a sandbox opens streams without end; ending its session", "container", s.id)
			s.session.Close()
			return
		}
		select {
		case slots <- struct{}{}:
		default:
			stream.Close()
			continue
		}
		s.background.Go(func() { s.route(&serviceConn{Stream: stream, release: func() { <-slots }}) })
	}
}

// route hands a connection to its service.
func (s *Sandbox) route(conn *serviceConn) {
	_ = conn.SetReadDeadline(time.Now().Add(headerTimeout))
	var req wire.Request
	err := wire.NewReader(conn).Header(&req)
	if err != nil || req.Connect == nil {
		conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	s.mu.Lock()
	service := s.services[req.Connect.Service]
	s.mu.Unlock()
	if service == nil || !service.conns.put(conn) {
		conn.Close()
	}
}

// serviceConn gives its slot back when it is closed.
type serviceConn struct {
	*yamux.Stream
	once    sync.Once
	release func()
}

func (c *serviceConn) Close() error {
	c.once.Do(c.release)
	return c.Stream.Close()
}

// connQueue is a net.Listener for connections that were accepted elsewhere.
type connQueue struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newConnQueue() *connQueue {
	return &connQueue{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// put reports whether the connection was taken.
func (q *connQueue) put(c net.Conn) bool {
	select {
	case q.conns <- c:
		return true
	case <-q.closed:
		return false
	}
}

// Accept implements net.Listener.
func (q *connQueue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.closed:
		return nil, errors.New("the service is closed")
	}
}

// Close implements net.Listener.
func (q *connQueue) Close() error {
	q.once.Do(func() { close(q.closed) })
	return nil
}

// Addr implements net.Listener.
func (q *connQueue) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
