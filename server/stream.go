package server

import (
	"context"
	"io"
	"vivarium/server/stream"

	"github.com/danielgtaylor/huma/v2"
)

// newTypedStream begins a stream of one media type.
func newTypedStream(hctx huma.Context, mediaType string) io.Writer {
	c := unwrap(hctx)
	c.Response().Header().Set("Content-Type", mediaType)
	return stream.New(c.Response())
}

// finish ends a stream. A reader that left, or was too slow, is not the server's failure.
func (s *Server) finish(ctx context.Context, build int64, err error) {
	if err != nil {
		s.log.DebugContext(ctx, "log stream ended early", "build", build, "err", err)
	}
}
