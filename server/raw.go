package server

import (
	"bytes"
	"context"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"vivarium/pipeline"
	"vivarium/server/logpage"
	"vivarium/server/store/buildlog"
	"vivarium/server/stream"
)

type rawInput struct {
	ID     string `path:"id" doc:"The build's id."`
	Follow bool   `query:"follow" doc:"Keep the answer open and go on until the build ends."`
}

// rawLog is the log of all attempts as it was stored.
func (s *Server) rawLog(ctx context.Context, in *rawInput) (*huma.StreamResponse, error) {
	b, err := s.build(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		c := unwrap(hctx)
		c.Response().Header().Set("Content-Type", "text/plain; charset=utf-8")
		c.Response().Header().Set("X-Accel-Buffering", "no")
		r := &rawReader{out: stream.New(c.Response())}
		if in.Follow {
			err = s.keepOpen(c, func() error { return s.followRaw(ctx, b.ID, r) })
		} else {
			err = (&follower{server: s, build: b.ID, reader: r}).pull(ctx, nil)
		}
		s.finish(ctx, b.ID, err)
	}}, nil
}

func (s *Server) followRaw(ctx context.Context, build int64, r *rawReader) error {
	// The headers tell a reader at once that the build exists.
	if err := r.out.Send(nil); err != nil || wantsHead(ctx) {
		return err
	}
	return s.follow(ctx, build, 0, r)
}

// rawReader writes chunks as they are. A gap in the log becomes a line of its own.
type rawReader struct {
	out stream.Stream
	buf bytes.Buffer
}

func (r *rawReader) chunks(chunks []buildlog.Chunk) error {
	r.buf.Reset()
	for _, c := range chunks {
		if c.Omitted > 0 {
			fmt.Fprintf(&r.buf, "\n%s\n", logpage.Gap(c.Omitted))
		}
		r.buf.Write(c.Data)
	}
	return r.out.Send(r.buf.Bytes())
}

func (r *rawReader) build(pipeline.Build) error { return nil }
func (r *rawReader) omitted(int64) error        { return nil }
func (r *rawReader) beat() error                { return nil }

// stopping says that the log goes on.
func (r *rawReader) stopping() error { return r.out.Send([]byte("\n[" + stoppingLine + "]\n")) }
