package egresstest

import (
	"context"
	"net"

	"golang.org/x/net/dns/dnsmessage"
)

// UseNames makes this process resolve names by address until restore is called. address returns a
// name's A record, or that the name is not known. The name server is a real one on loopback.
func UseNames(address func(name string) (a [4]byte, known bool)) (restore func(), err error) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 1500); ; {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := answerName(buf[:n], address); reply != nil {
				_, _ = server.WriteTo(reply, from)
			}
		}
	}()
	old := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	return func() {
		net.DefaultResolver = old
		server.Close()
		<-done
	}, nil
}

func answerName(question []byte, address func(string) ([4]byte, bool)) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.Additionals = true, nil
	if q.Type == dnsmessage.TypeA {
		a, known := address(q.Name.String())
		if !known {
			m.RCode = dnsmessage.RCodeNameError
		}
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{
				Name:  q.Name,
				Class: q.Class,
				Type:  q.Type,
			}, Body: &dnsmessage.AResource{A: a},
		}}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}
