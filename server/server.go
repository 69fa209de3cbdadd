// Package server is Vivarium's HTTP side: it receives GitHub's webhook deliveries and shows builds
// and their live logs, as JSON to programs and as pages to browsers.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/net/netutil"
	"golang.org/x/time/rate"

	"vivarium/server/cookie"
	"vivarium/server/incoming"
	"vivarium/server/pullrequests"
	"vivarium/server/shares"
	"vivarium/server/store"
	"vivarium/server/store/database"
	"vivarium/server/testlist"
	"vivarium/server/throttle"
	"vivarium/server/web"
)

const (
	headerTimeout = 10 * time.Second
	// writeTimeout bounds an answer; streams move their own deadline as they write.
	writeTimeout    = time.Minute
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 10 * time.Second
	// arrivalTime is how long a shutdown waits for what clients have not yet sent, or read.
	arrivalTime    = 2 * time.Second
	maxHeaderBytes = 64 << 10
	// refusalsPerSecond bounds how much strangers can make us write.
	refusalsPerSecond = 10
)

// Server answers HTTP requests.
type Server struct {
	config Config
	builds *store.Store
	log    *slog.Logger
	echo   *echo.Echo
	api    huma.API
	base   string // the path before every address of ours, such as "/vivarium", or ""
	site   *web.Site
	tests  *testlist.Lists
	pulls  pullrequests.Desk

	description []byte // of the routes, as OpenAPI

	bounds   bounds
	confirms throttle.Each // the questions for each entry of the registry
	refusals *rate.Limiter // limits the refusals that are counted: anybody can cause them
	unready  reasons
	since    sinces

	cookies *cookie.Jar
	signIns *throttle.Throttle
	bearers *throttle.Throttle

	// draining is closed when the server stops: then streams end.
	draining chan struct{}
	drain    func()
	// cutOff ends a while later: then the shutdown no longer waits for clients that have not sent a
	// whole request, or do not read their log.
	cutOff   context.Context
	cut      func()
	incoming incoming.Connections
}

// New makes a server over builds. It opens nothing; Run does.
func New(c Config, builds *store.Store) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c.TrustedProxies = unmap(c.TrustedProxies)
	s := &Server{config: c, builds: builds, log: c.Log, echo: echo.New(), base: c.base(), draining: make(chan struct{})}
	s.site = web.NewSite(s.base)
	s.tests = &testlist.Lists{Runs: builds.Tests, Histories: builds.TestHistories, Build: s.build, Stream: newTypedStream,
		Finish: s.finish, Base: s.base}
	s.pulls = pullrequests.Desk{Pulls: builds.Pulls, Policy: c.Forks, GitHub: c.GitHub, Log: c.Log,
		Build: s.build, Operator: s.operator}
	s.bounds = newBounds()
	s.refusals = rate.NewLimiter(refusalsPerSecond, refusalsPerSecond)
	s.cookies = cookie.New([]byte(c.Key), s.base, c.overHTTPS())
	s.confirms.Burst, s.confirms.Every = confirmBurst, confirmEvery
	s.signIns = throttle.New(database.ErrNotFound, signInBurst, signInEvery)
	s.bearers = throttle.New(database.ErrNotFound, bearerBurst, bearerEvery)
	s.cutOff, s.cut = context.WithCancel(context.Background())
	s.drain = sync.OnceFunc(func() { close(s.draining) })
	s.echo.HTTPErrorHandler = s.answerError
	s.echo.IPExtractor = clientAddress(c.TrustedProxies)
	s.echo.Pre(stripBase(s.base))
	s.echo.Use(
		middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: s.logPanic}),
		s.secureHeaders,
		s.limitBody,
		s.sameSite(),
	)
	s.api = newAPI(s.echo, c.Version, s.base)
	s.register(s.routes())
	description, err := describe(s.api)
	if err != nil {
		return nil, err
	}
	s.description = description
	return s, nil
}

// Handler serves all addresses of the server.
func (s *Server) Handler() http.Handler { return headAsGet(s.echo) }

// Run listens and answers until ctx ends. Then it ends the streams, gives requests in flight ten
// seconds and returns nil. It returns an error when it cannot listen.
func (s *Server) Run(ctx context.Context) error {
	secured, err := s.config.TLS.Open(s.log)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.config.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (choose another address with VIVARIUM_ADDR)", s.config.Addr, err)
	}
	s.log.InfoContext(ctx, "listening", "addr", l.Addr().String(), "by", s.config.TLS.String())
	if s.config.Listening != nil {
		s.config.Listening(l.Addr())
	}
	hs := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext:       s.incoming.Connected,
		ConnState:         s.incoming.Changed,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- secured.Serve(hs, s.bounded(l)) }()
	defer secured.Attend(ctx)()
	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	return s.shutdown(ctx, hs, served)
}

// bounded limits the connections, in total and for each network. A connection over the total limit
// waits. The total is counted outside the shares: so a connection gives its share back before it
// makes room for the next.
func (s *Server) bounded(l net.Listener) net.Listener {
	most := s.bounds.connections
	return netutil.LimitListener(shares.Listener{Listener: l, Shares: shares.New(int64(most)), Free: s.isProxy}, most)
}

func (s *Server) shutdown(ctx context.Context, hs *http.Server, served <-chan error) error {
	s.drain()
	late := time.AfterFunc(arrivalTime, func() {
		s.cut()
		if n := s.incoming.Cut(); n > 0 {
			s.log.InfoContext(ctx, "half-sent requests cut off at shutdown", "connections", n)
		}
	})
	defer late.Stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := hs.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.WarnContext(ctx, "requests cut off at shutdown", "after", shutdownTimeout)
		err = hs.Close()
	}
	<-served
	return err
}

// secureHeaders are right for every answer; pages and documentation widen the content policy as far
// as they need.
func (s *Server) secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		// Other sites get no referrer. "no-referrer" would be too strict: browsers would send our
		// own forms with "Origin: null" (Fetch, "append a request Origin header"). A server without
		// HTTPS gets no Sec-Fetch-Site, and would mistake such a form for another site's.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy",
			"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Cache-Control", "no-store")
		if s.config.overHTTPS() {
			// A year, as the preload list requires (hstspreload.org); other names of the domain are
			// not ours to bind.
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		return next(c)
	}
}

func (s *Server) logPanic(c echo.Context, err error, stack []byte) error {
	s.log.ErrorContext(c.Request().Context(), "handler panicked", "path", c.Path(), "err", err, "stack", string(stack))
	return errPanicked
}
