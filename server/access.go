package server

import (
	"context"
	"net"
	"net/http"
	"net/netip"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"vivarium/pipeline"
)

// access says who may use a route, and what they see on it.
type access string

const (
	// anyone: the route tells nothing about builds.
	anyone access = "anyone"
	// signed: only those who know the webhook's secret; the handler checks the signature over the
	// body before it interprets the body.
	signed access = "whoever knows the webhook's secret"
	// readers: each client sees the builds that it may see. Others look as if they did not exist.
	readers access = "builds of public repositories: anyone, unless the operator has closed them; " +
		"builds of private repositories: holders of a token that opens them, " +
		"and programs on the server's own machine while it has no public address"
)

// admit finds out who asks, on routes that show builds.
func (s *Server) admit(a access) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		c := unwrap(ctx)
		if a == readers {
			if err := s.recognize(c); err != nil {
				s.answerError(err, c)
				return
			}
		}
		next(ctx)
	}
}

// recognize puts the viewer into the request.
func (s *Server) recognize(c echo.Context) error {
	c.Response().Header().Add("Vary", "Authorization, Cookie")
	v, err := s.viewer(c.Request(), c.RealIP())
	if err != nil {
		return err
	}
	c.SetRequest(withViewer(c.Request(), v))
	return nil
}

// forwarding are headers that a proxy adds. The proxy's address does not say who asks: a tunnel
// such as ngrok connects from loopback on behalf of the world.
var forwarding = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"}

// isLocal reports whether the request comes straight from a program on this machine. The peer's own
// address counts, never one that a header claims. The Host must be a loopback name too; otherwise a
// page of any site could read the answer by pointing its own name at 127.0.0.1.
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

// build finds a build that the client may see. A build that it may not see cannot be told from one
// that does not exist.
func (s *Server) build(ctx context.Context, id string) (pipeline.Build, error) {
	n, err := parseID(id)
	if err != nil {
		return pipeline.Build{}, err
	}
	return s.builds.Builds.Visible(ctx, n, viewerOf(ctx).sight)
}
