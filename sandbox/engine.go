// Package sandbox runs commands in throw-away containers that have no network, no
// mounts and one door: their own stdio.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/client"

	"vivarium/sandbox/runc"
)

// Engine is a Docker Engine to run sandboxes on.
type Engine struct {
	cli  *client.Client
	info Info
	log  *slog.Logger
	// order gives the order in which users are tried for a sandbox, as rand.Perm does.
	order func(n int) []int
	// withoutIPv6 is set once the engine could not give a sandbox its IPv6 loopback.
	withoutIPv6 atomic.Bool

	released sync.WaitGroup // sandboxes whose containers are still being removed
}

// Info is what the engine says of itself.
type Info struct {
	Version       string
	APIVersion    string
	OS, Arch      string // Arch in Go's words: amd64, arm64
	CPUs          int
	Memory        int64 // bytes
	CgroupVersion string
	Storage       string
	Runtimes      []string     // sorted
	Runtime       string       // the default one
	Runc          runc.Release // zero where the default runtime is another
	Security      []string
}

// Connect finds the engine by the environment (DOCKER_HOST and the like) and asks who it is.
func Connect(ctx context.Context, log *slog.Logger) (*Engine, error) {
	cli, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation(), tellDials)
	if err != nil {
		return nil, fmt.Errorf("configure engine client: %w", err)
	}
	e := &Engine{cli: cli, log: log, order: rand.Perm}
	if err = firstAnswer(ctx, cli); err == nil {
		e.info, err = ask(ctx, cli)
	}
	if err != nil {
		cli.Close()
		return nil, fmt.Errorf("reach the Docker Engine at %s: %w", cli.DaemonHost(), err)
	}
	return e, nil
}

// onDial is the context key of a func(net.Conn) that is told of the connection a call has made.
type onDial struct{}

// errNoAnswer means that the engine takes connections but does not answer.
var errNoAnswer = errors.New("it takes the connection and does not answer within 5 s")

// tellDials is a client option; it must come after that of the host. A call that takes over its
// connection ignores its context once it has dialed, so its caller can end it only by closing that
// connection. Over TLS the client library dials by itself and tells nobody.
func tellDials(c *client.Client) error {
	t, ok := c.HTTPClient().Transport.(*http.Transport)
	if !ok || t.DialContext == nil {
		return errors.New("the client has no dialer")
	}
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if tell, ok := ctx.Value(onDial{}).(func(net.Conn)); ok && err == nil {
			tell(conn)
		}
		return conn, err
	}
	return nil
}

// firstAnswer waits for the simplest answer that an engine gives, that to a ping.
func firstAnswer(ctx context.Context, cli *client.Client) error {
	asked, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	_, err := cli.Ping(asked)
	if asked.Err() != nil && ctx.Err() == nil {
		return errNoAnswer
	}
	return err
}

func ask(ctx context.Context, cli *client.Client) (Info, error) {
	version, err := cli.ServerVersion(ctx)
	if err != nil {
		return Info{}, err
	}
	info, err := cli.Info(ctx)
	if err != nil {
		return Info{}, err
	}
	return Info{
		Version:       version.Version,
		APIVersion:    version.APIVersion,
		OS:            version.Os,
		Arch:          version.Arch,
		CPUs:          info.NCPU,
		Memory:        info.MemTotal,
		CgroupVersion: info.CgroupVersion,
		Storage:       info.Driver,
		Runtimes:      runtimes(info),
		Runtime:       info.DefaultRuntime,
		Runc:          runc.Of(version, info),
		Security:      info.SecurityOptions,
	}, nil
}

func runtimes(info system.Info) []string {
	var names []string
	for name := range info.Runtimes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Info is the engine's answer at Connect.
func (e *Engine) Info() Info { return e.info }

// Close waits for released sandboxes and closes the connection. The caller closes all other
// sandboxes first.
func (e *Engine) Close() error {
	e.released.Wait()
	return e.cli.Close()
}
