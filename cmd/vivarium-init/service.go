//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"vivarium/sandbox/wire"
)

// maxConnections is how many connections one service has at one time; more wait in the kernel.
const maxConnections = 64

// listen opens a port on loopback and passes each connection to the host on a stream of
// its own, until the host closes its side.
func (g *guest) listen(op *operation, req *wire.Listen) (wire.Reply, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return wire.Reply{}, fmt.Errorf("listen on loopback: %w", err)
	}
	defer ln.Close()
	if err := op.out.Header(wire.Reply{Port: ln.Addr().(*net.TCPAddr).Port}); err != nil {
		return wire.Reply{}, err
	}
	ctx, cancel := op.canceled()
	defer cancel()
	var conns sync.WaitGroup
	conns.Go(func() {
		slots := make(chan struct{}, maxConnections)
		for {
			slots <- struct{}{}
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer func() { <-slots }()
				g.forward(ctx, conn, req.Service)
			})
		}
	})
	<-ctx.Done()
	ln.Close()
	conns.Wait()
	return wire.Reply{}, nil
}

// forward joins a process's connection and a stream to the host until both directions
// have ended or ctx has.
func (g *guest) forward(ctx context.Context, conn net.Conn, service uint32) {
	defer conn.Close()
	stream, err := g.session.OpenStream()
	if err != nil {
		return
	}
	defer stream.Close()
	stop := context.AfterFunc(ctx, func() {
		conn.Close()
		_ = stream.SetDeadline(time.Unix(1, 0)) // a Close does not wake its reader
	})
	defer stop()
	if wire.NewWriter(stream).Header(wire.Request{Connect: &wire.Connect{Service: service}}) != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(stream, conn) // either side may hang up
		stream.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(conn, stream)
		_ = conn.(*net.TCPConn).CloseWrite()
	})
	both.Wait()
}
