// Package servertest is what the tests of servers share, those of package server and those of the
// commands.
package servertest

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// FreePort returns a port of loopback on which nobody listens. It is below the ports that Linux
// gives to whoever asks for any port, as tests do all the time (ip_local_port_range begins at
// 32768). So nobody else gets it before it is used, or while its server restarts.
func FreePort() (port int, err error) {
	for range 100 {
		port = 10000 + rand.IntN(22768)
		var ln net.Listener
		if ln, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, ln.Close()
		}
	}
	return 0, fmt.Errorf("no port of a hundred is free: %w", err)
}
