// Package shares divides what a server has among the networks that ask it, so that none uses up all.
package shares

import (
	"errors"
	"net"
	"net/netip"
	"sync"
)

// Divisor is how many networks it takes to use up something that the server has. A fourth
// suffices for a whole campus behind one address, and leaves room for three others.
const Divisor = 4

var (
	// ErrNoneLeft means that all of it is in use.
	ErrNoneLeft = errors.New("none is left")
	// ErrNoShare means that the client's network holds its share.
	ErrNoShare = errors.New("the network's share is used up")
)

// Shares counts how much of something each network holds, so that none holds all of it. Programs on
// the same machine, unknown proxies among them, are bounded only by the whole.
type Shares struct {
	all  int64 // in total; a network's share is a part of it
	each int64

	mu    sync.Mutex
	byNet map[netip.Prefix]int64 // only networks that hold any
	total int64
}

// New makes the shares of so much in all, of which nobody holds any yet.
func New(all int64) *Shares {
	return &Shares{all: all, each: max(1, all/Divisor), byNet: make(map[netip.Prefix]int64)}
}

// Take gives a client n more, or none: ErrNoneLeft, ErrNoShare. The caller must give back what it
// got.
func (s *Shares) Take(client string, n int64) error {
	of := Network(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total+n > s.all {
		return ErrNoneLeft
	}
	if !of.Addr().IsLoopback() && s.byNet[of]+n > s.each {
		return ErrNoShare
	}
	s.total += n
	s.byNet[of] += n
	return nil
}

// GiveBack takes back n of what a client got.
func (s *Shares) GiveBack(client string, n int64) {
	of := Network(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total -= n
	if s.byNet[of] -= n; s.byNet[of] == 0 {
		delete(s.byNet, of)
	}
}

// Network is the network that a client is counted for: an IPv4 address, or the /64 that one
// subscriber has of IPv6 (RFC 6177).
func Network(client string) netip.Prefix {
	addr, err := netip.ParseAddr(client)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return netip.PrefixFrom(addr, 32)
	}
	return netip.PrefixFrom(addr, 64).Masked()
}

// Listener closes a network's connections beyond its share at once.
type Listener struct {
	net.Listener
	Shares *Shares
	Free   func(netip.Addr) bool // addresses that no share bounds: a proxy connects for many
}

// Accept waits for the next connection that its network has a share for.
func (l Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer, err := netip.ParseAddrPort(c.RemoteAddr().String())
		if err == nil && l.Free(peer.Addr()) {
			return c, nil
		}
		client := peer.Addr().String()
		if l.Shares.Take(client, 1) == nil {
			return &conn{Conn: c, giveBack: sync.OnceFunc(func() { l.Shares.GiveBack(client, 1) })}, nil
		}
		_ = c.Close()
	}
}

type conn struct {
	net.Conn
	giveBack func()
}

// Close gives the share back.
func (c *conn) Close() error {
	defer c.giveBack()
	return c.Conn.Close()
}
