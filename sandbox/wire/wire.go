// Package wire is the session between a server and vivarium-init, PID 1 of a sandbox: one
// multiplexed connection over the container's stdio, on which every operation is a stream of its
// own.
//
// A stream begins with a Request, sent as a JSON header frame by the side that opens it. The frames
// after it depend on the request; the last frame is a Reply. The host opens one stream for each
// thing it wants done; the guest opens one for each connection that a process makes to an offered
// service, and after the Request such a stream carries plain bytes. The host cancels by closing its
// side of the stream before the Reply.
//
// All of it is sealed (see sealed), so that only the other end can have written what one end reads.
//
// The host trusts nothing that it reads here: every frame is bounded, and so is every figure in it
// where it is used.
package wire

import (
	"io"
	"time"

	"github.com/hashicorp/yamux"
)

// Version of the protocol. The two ends must agree on it: an image is made anew when its
// vivarium-init is not the server's own. A new field that the other end must not ignore, such as a
// limit, needs a new version.
const Version = 7

// ExitDeadline is vivarium-init's exit code when its deadline ended the container.
const ExitDeadline = 124

// Host takes the server's end of a session. forged, which may be nil, is called when bytes come
// that the guest did not send. The session has ended by then.
func Host(conn io.ReadWriteCloser, forged func()) (*yamux.Session, error) {
	c := config()
	// The host must not keep a stream because a guest does not close its side.
	c.StreamCloseTimeout = 30 * time.Second
	return yamux.Client(&joined{ReadWriteCloser: sealHost(conn, forged)}, c)
}

// Guest takes the sandbox's end of a session.
func Guest(conn io.ReadWriteCloser) (*yamux.Session, error) {
	return yamux.Server(&joined{ReadWriteCloser: sealGuest(conn)}, config())
}

// config turns keep-alive off and makes the write time-out long: on one loaded CPU a round trip
// took 2 s, and the engine already tells when the other end is gone.
func config() *yamux.Config {
	c := yamux.DefaultConfig()
	c.EnableKeepAlive = false
	c.ConnectionWriteTimeout = 60 * time.Second
	c.StreamOpenTimeout = 60 * time.Second
	c.MaxStreamWindowSize = 512 << 10
	c.LogOutput = io.Discard
	return c
}
