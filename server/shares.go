package server

import (
	"errors"
	"net"
	"net/netip"
	"sync"
)

// shareDivisor is how many networks it takes to use up something that the server has. A fourth
// suffices for a whole campus behind one address, and leaves room for three others.
const shareDivisor = 4

var (
	errNoneLeft = errors.New("none is left")
	errNoShare  = errors.New("the network's share is used up")
)

// shares counts how much of something each network holds, so that none holds all of it. Programs on
// the same machine, unknown proxies among them, are bounded only by the whole.
type shares struct {
	all  int64 // in total; a network's share is a part of it
	each int64

	mu    sync.Mutex
	byNet map[netip.Prefix]int64 // only networks that hold any
	total int64
}

func newShares(all int64) *shares {
	return &shares{all: all, each: max(1, all/shareDivisor), byNet: make(map[netip.Prefix]int64)}
}

// take gives a client n more, or none: errNoneLeft, errNoShare. The caller must give back what it
// got.
func (s *shares) take(client string, n int64) error {
	of := subscriber(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total+n > s.all {
		return errNoneLeft
	}
	if !of.Addr().IsLoopback() && s.byNet[of]+n > s.each {
		return errNoShare
	}
	s.total += n
	s.byNet[of] += n
	return nil
}

func (s *shares) giveBack(client string, n int64) {
	of := subscriber(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total -= n
	if s.byNet[of] -= n; s.byNet[of] == 0 {
		delete(s.byNet, of)
	}
}

// sharedListener closes a network's connections beyond its share at once.
type sharedListener struct {
	net.Listener
	shares *shares
	free   func(netip.Addr) bool // addresses that no share bounds: a proxy connects for many
}

func (l sharedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer, err := netip.ParseAddrPort(c.RemoteAddr().String())
		if err == nil && l.free(peer.Addr()) {
			return c, nil
		}
		client := peer.Addr().String()
		if l.shares.take(client, 1) == nil {
			return &sharedConn{Conn: c, giveBack: sync.OnceFunc(func() { l.shares.giveBack(client, 1) })}, nil
		}
		_ = c.Close()
	}
}

type sharedConn struct {
	net.Conn
	giveBack func()
}

func (c *sharedConn) Close() error {
	defer c.giveBack()
	return c.Conn.Close()
}
