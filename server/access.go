package server

import (
	"context"
	"net"
	"net/http"
	"net/netip"

	"github.com/danielgtaylor/huma/v2"

	"vivarium/pipeline"
	"vivarium/server/store"
)

// access says who may use a route, and what of it they see.
type access string

const (
	// anyone: the route tells nothing about builds.
	anyone access = "anyone"
	// signed: only who knows the webhook's secret; the handler checks the signature
	// over the body before it reads it.
	signed access = "whoever knows the webhook's secret"
	// readers: anyone sees builds of public repositories; those of private ones are
	// shown on this machine only, while the server has no public address, and to others
	// look as if they did not exist.
	readers access = "anyone; builds of private repositories only from the server's own machine, and from nowhere once it has a public address"
)

type localKey struct{}

// admit marks requests that may see private builds. Routes without the rule for
// readers are never marked, so nothing can be shown on them by mistake.
func (s *Server) admit(a access) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		c := unwrap(ctx)
		if r := c.Request(); a == readers && !s.config.isPublic() && !s.throughProxy(r) && isLocal(r) {
			c.SetRequest(r.WithContext(context.WithValue(r.Context(), localKey{}, true)))
		}
		next(ctx)
	}
}

func seesPrivate(ctx context.Context) bool {
	local, _ := ctx.Value(localKey{}).(bool)
	return local
}

func sight(ctx context.Context) store.Sight {
	return store.Sight{All: seesPrivate(ctx), Public: true}
}

// forwarding are headers that a proxy adds. Its address says nothing about who
// asks: a tunnel such as ngrok connects from loopback on behalf of the world.
var forwarding = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"}

// isLocal reports whether the request comes straight from a program on this
// machine. The peer's own address counts, never one that a header claims; the Host
// must be a loopback name too, or a page of any site could read the answer by
// pointing its own name at 127.0.0.1.
func isLocal(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	for _, name := range forwarding {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return isLoopbackHost(r.Host)
}

func isLoopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if host == "localhost" {
		return true
	}
	if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// build finds a build that the client may see. One that it may not see cannot be
// told from one that does not exist.
func (s *Server) build(ctx context.Context, id string) (pipeline.Build, error) {
	n, err := parseID(id)
	if err != nil {
		return pipeline.Build{}, err
	}
	return s.builds.Visible(ctx, n, sight(ctx))
}
