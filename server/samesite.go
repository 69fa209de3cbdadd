package server

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
)

// sameSite refuses changes that a page of another site makes through a visitor's browser. A
// delivery is signed, so it may come from anywhere.
func (s *Server) sameSite() echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	if u, err := url.Parse(s.config.PublicURL); err == nil && u.Host != "" {
		// A proxy may pass on another Host than the one that the browser requested.
		if err := protection.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			panic("server: Config.check has let a public URL through that is none: " + err.Error())
		}
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if c.Path() == webhookPath {
				return next(c)
			}
			if err := protection.Check(c.Request()); err != nil {
				return &Problem{Message: "this request came from a page of another site; open this server's own " +
					"page and try again there", status: http.StatusForbidden}
			}
			return next(c)
		}
	}
}
