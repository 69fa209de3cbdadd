package server

import (
	"context"

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

// build finds a build that the client may see. A build that it may not see cannot be told from one
// that does not exist.
func (s *Server) build(ctx context.Context, id string) (pipeline.Build, error) {
	n, err := parseID(id)
	if err != nil {
		return pipeline.Build{}, err
	}
	return s.builds.Builds.Visible(ctx, n, viewerOf(ctx).sight)
}
