package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"vivarium/server/incoming"
	"vivarium/server/shares"
)

const (
	// maxConnections leaves descriptors to the database and the engine: systemd and Docker give the
	// process 500 000 and more, a login shell sometimes 4096.
	maxConnections = 2048
	// maxFollowers bounds the readers that follow logs; over HTTP/2 one connection carries many.
	maxFollowers = 1024
	// bodyTimeout is how long a body may take to arrive, even one that no handler reads: net/http
	// reads it before it answers, and lifts the bound when the body is complete. GitHub gives up on
	// a delivery after ten seconds.
	bodyTimeout = 30 * time.Second
)

// bounds are what one server accepts at a time. Tests have smaller ones.
type bounds struct {
	connections int
	body        time.Duration
	followers   *shares.Shares
	bodies      *shares.Shares // in bytes, of the deliveries that are being read or processed
	beat        time.Duration  // how often a stream shows that it is alive, and a follower's right is checked
}

func newBounds() bounds {
	return bounds{
		connections: maxConnections, body: bodyTimeout, followers: shares.New(maxFollowers),
		bodies: shares.New(maxInFlight),
		beat:   beatInterval,
	}
}

// limitBody bounds every request's body in size and in time; few routes read one.
func (s *Server) limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Body != nil && r.Body != http.NoBody {
			if err := http.NewResponseController(c.Response()).
				SetReadDeadline(time.Now().Add(s.bounds.body)); err != nil {
				return fmt.Errorf("bound the time for a body: %w", err)
			}
			r.Body = incoming.Awaited(r, http.MaxBytesReader(c.Response(), r.Body, maxDelivery))
		}
		return next(c)
	}
}

// keepOpen answers with a stream that may last, unless there are too many.
func (s *Server) keepOpen(c echo.Context, stream func() error) error {
	client := c.RealIP()
	err := s.bounds.followers.Take(client, 1)
	if err == nil {
		defer s.bounds.followers.GiveBack(client, 1)
		// A reader that reads nothing must not hold up a shutdown.
		defer context.AfterFunc(s.cutOff, func() {
			_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now())
		})()
		return stream()
	}
	c.Response().Header().Del("Content-Type") // the stream's
	s.answerError(crowded(err, "too many readers%s follow logs at this moment; try again later, or read /raw "+
		"without follow"), c)
	return nil
}

// crowded is the answer when nothing is left of something; %s in the message says whose share is
// used up.
func crowded(err error, message string) *Problem {
	p := &Problem{Message: fmt.Sprintf(message, ""), status: http.StatusServiceUnavailable, retryAfter: 10}
	if errors.Is(err, shares.ErrNoShare) {
		p.Message, p.status = fmt.Sprintf(message, " from your network"), http.StatusTooManyRequests
	}
	return p
}

// maxInFlight bounds the memory for the bodies of all deliveries at one time, in bytes. Only a
// complete body shows whether it is signed, so anybody can send one. 200 bodies of GitHub's usual
// 20 KB hold 6 MiB.
const maxInFlight = 256 << 20

const tooMuchInFlight = "too many deliveries%s at once: redeliver this one from the webhook's page on GitHub"

type headKey struct{}

// headAsGet answers HEAD like GET; net/http leaves out the body.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.WithContext(context.WithValue(r.Context(), headKey{}, true))
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// wantsHead reports whether nobody reads the body: then a stream ends after its headers.
func wantsHead(ctx context.Context) bool {
	head, _ := ctx.Value(headKey{}).(bool)
	return head
}
