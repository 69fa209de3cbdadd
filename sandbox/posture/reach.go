package posture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// target is an address that answers this process and must not answer a sandbox.
type target struct{ host, port string }

func (t target) String() string { return t.host + " " + t.port }

// oracle listens on all addresses of this machine, the gateway of the engine's bridge among
// them when the engine is here.
type oracle struct {
	listener net.Listener
	targets  []target
	serving  sync.WaitGroup
}

const (
	maxTargets  = 16
	dialTimeout = time.Second
)

func openOracle(ctx context.Context) (*oracle, error) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		return nil, fmt.Errorf("listen for a sandbox that must not come: %w", err)
	}
	o := &oracle{listener: l}
	o.serving.Go(o.serve)
	if o.targets, err = answering(ctx, l.Addr().(*net.TCPAddr).Port); err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

func (o *oracle) serve() {
	for {
		c, err := o.listener.Accept()
		if err != nil {
			return
		}
		c.Close()
	}
}

// Close stops listening.
func (o *oracle) Close() {
	o.listener.Close()
	o.serving.Wait()
}

// answering are the addresses of this machine that answer on port. An address that does not answer
// us would prove nothing by not answering a sandbox.
func answering(ctx context.Context, port int) ([]target, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list this machine's addresses: %w", err)
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	var found []target
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.IsLinkLocalUnicast() { // these need an interface's name, which differs inside
			continue
		}
		t := target{n.IP.String(), strconv.Itoa(port)}
		c, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(t.host, t.port))
		if err != nil {
			continue
		}
		c.Close()
		if found = append(found, t); len(found) == maxTargets {
			break
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no address of this machine answers, so a sandbox's reach cannot be tried")
	}
	return found, nil
}
