package attack

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
)

// oracle counts what arrives at the targets, by means and address.
type oracle struct {
	mu      sync.Mutex
	arrived map[string]int
	closes  []func() error
	done    sync.WaitGroup
}

func newOracle(t *testing.T) *oracle {
	o := &oracle{arrived: map[string]int{}}
	t.Cleanup(func() {
		for _, closes := range o.closes {
			_ = closes() // a second close is no failure
		}
		o.done.Wait()
	})
	return o
}

func (o *oracle) count(means, host string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.arrived[means+" "+host]++
}

// take gives the counts since its last call.
func (o *oracle) take() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	counts := o.arrived
	o.arrived = map[string]int{}
	return counts
}

// listen waits for TCP, UDP and ICMP at one address. An error names what it could not listen to.
func (o *oracle) listen(host string, port int) error {
	for _, open := range []func(string, int) error{o.tcp, o.udp, o.icmp} {
		if err := open(host, port); err != nil {
			return err
		}
	}
	return nil
}

func (o *oracle) tcp(host string, port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	o.closes = append(o.closes, l.Close)
	o.done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			o.count("tcp", host)
			c.Close()
		}
	})
	return nil
}

func (o *oracle) udp(host string, port int) error { return o.datagrams("udp", host, port) }

// dns listens at the port of name servers, which is free only at an address of our own.
func (o *oracle) dns(host string) error { return o.datagrams("dns", host, 53) }

func (o *oracle) datagrams(means, host string, port int) error {
	c, err := net.ListenPacket("udp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	o.receive(means, host, c, func([]byte) bool { return true })
	return nil
}

func (o *oracle) icmp(host string, _ int) error {
	network, echoRequest := "ip4:icmp", byte(8)
	if net.ParseIP(host).To4() == nil {
		network, echoRequest = "ip6:ipv6-icmp", 128
	}
	c, err := net.ListenPacket(network, host)
	if err != nil {
		return fmt.Errorf("%s at %s: %w", network, host, err)
	}
	o.receive("icmp", host, c, func(p []byte) bool { return p[0] == echoRequest })
	return nil
}

func (o *oracle) receive(means, host string, c net.PacketConn, counts func([]byte) bool) {
	o.closes = append(o.closes, c.Close)
	o.done.Go(func() {
		for buf := make([]byte, 2048); ; {
			n, _, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if n > 0 && counts(buf[:n]) {
				o.count(means, host)
			}
		}
	})
}
