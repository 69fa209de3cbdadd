package server

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vivarium/server/store/database"
	"vivarium/server/throttle"
	"vivarium/server/web"
)

const (
	signInPath  = "/sign-in"
	signOutPath = "/sign-out"
	// signInBurst is how many times one network may fail at once. After each signInEvery it may
	// fail once more.
	signInBurst = 10
	signInEvery = 6 * time.Second
	// Programs send their token with each request, many of them from one network.
	bearerBurst = 100
	bearerEvery = 200 * time.Millisecond
	// maxForm is far more than a token and an address need.
	maxForm = 64 << 10
)

// signInPage asks for a token. next is checked when the form is sent.
func (s *Server) signInPage(c echo.Context) error {
	return s.render(c, http.StatusOK, web.SignIn{Next: c.QueryParam("next")})
}

// signIn begins a session with a token and leads to the page that the visitor wanted. The session
// is always a new one: a session that somebody else put into the browser must not become the
// visitor's.
func (s *Server) signIn(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return &Problem{Message: "the form did not arrive whole", status: http.StatusBadRequest}
	}
	next := ownPath(r.PostForm.Get("next"))
	var session string
	err := s.signIns.Attempt(c.RealIP(), func() (err error) {
		session, _, err = s.builds.People.SignIn(r.Context(), c.RealIP(), strings.TrimSpace(r.PostForm.Get("token")))
		return err
	})
	var often *throttle.Error
	switch {
	case errors.Is(err, database.ErrNotFound):
		return s.render(c, http.StatusUnauthorized,
			web.SignIn{Next: next, Message: "This token is not known. Was all of it pasted?"})
	case errors.As(err, &often):
		p := tooOften(often)
		p.addHeaders(c.Response().Header())
		return s.render(c, p.status, web.SignIn{Next: next, Message: "Wait a little: " + p.Message + "."})
	case err != nil:
		return err
	}
	if err := s.endSession(r); err != nil {
		return err
	}
	if err := s.cookies.Set(c.Response(), r, session); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, s.base+next)
}

// signOut ends the session, in the browser and on the server.
func (s *Server) signOut(c echo.Context) error {
	if err := s.endSession(c.Request()); err != nil {
		return err
	}
	if err := s.cookies.Clear(c.Response(), c.Request()); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, s.base+"/")
}

func (s *Server) endSession(r *http.Request) error {
	old := s.cookies.Session(r)
	if old == "" {
		return nil
	}
	return s.builds.People.SignOut(r.Context(), old)
}

// ownPath makes an address from a form into one of this server: a cleaned path, and a query. An
// address that leads elsewhere, or to the sign-in page, becomes the first page.
func ownPath(next string) string {
	if strings.ContainsFunc(next, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }) {
		return "/"
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		!strings.HasPrefix(u.Path, "/") {
		return "/"
	}
	clean := path.Clean(u.Path) // of several leading slashes one is left: two would name a host
	if clean == signInPath || clean == signOutPath {
		return "/"
	}
	return (&url.URL{Path: clean, RawQuery: u.RawQuery}).String()
}

// here is the requested address, without the base, as ownPath gives it.
func here(r *http.Request) string {
	return ownPath((&url.URL{Path: r.URL.Path, RawQuery: r.URL.RawQuery}).String())
}
