package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vivarium/server/api"
	"vivarium/server/filter"
	"vivarium/server/logpage"
	"vivarium/server/pullrequests"
	"vivarium/server/store/database"
	"vivarium/server/store/outbox"
	"vivarium/server/store/people"
	"vivarium/server/web"
)

func (s *Server) render(c echo.Context, status int, p web.Page) error {
	return s.renderWith(c, status, p, web.ContentSecurityPolicy)
}

func (s *Server) renderWith(c echo.Context, status int, p web.Page, policy string) error {
	body, err := s.site.Render(p, visitor(c.Request()))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Security-Policy", policy)
	return c.HTMLBlob(status, body)
}

func visitor(r *http.Request) web.Visitor {
	v, known := knownViewer(r.Context())
	if !known {
		return web.Visitor{}
	}
	return web.Visitor{Name: v.name, Local: v.local, Next: here(r)}
}

func (s *Server) indexPage(c echo.Context) error {
	before, err := queryID(c, "before")
	if err != nil {
		return err
	}
	words := filter.Read(c.QueryParams())
	builds, next, err := s.newest(c.Request().Context(), words, before)
	if err != nil {
		return err
	}
	p := web.Index{Builds: builds, First: before == 0, Words: words}
	if next != 0 {
		p.NextPath = words.Path(next)
	}
	return s.render(c, http.StatusOK, p)
}

func queryID(c echo.Context, name string) (int64, error) { return queryNumber(c, name, "a build's id") }

// queryNumber reads a number from 1; 0 where none is given.
func queryNumber(c echo.Context, name, what string) (int64, error) {
	value := c.QueryParam(name)
	if value == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 {
		return 0, &Problem{Message: fmt.Sprintf("%s must be %s", name, what), status: http.StatusBadRequest}
	}
	return n, nil
}

func (s *Server) buildPage(c echo.Context) error {
	ctx := c.Request().Context()
	b, err := s.build(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	p := web.Build{Build: b, RepoURL: api.RepoURL(s.config.ServerURL, b.Repo.FullName)}
	v := viewerOf(ctx)
	p.CommitURL, p.MayApprove = p.RepoURL+"/commit/"+b.SHA, v.session != "" && v.sight.All
	if p.Undelivered, err = s.undeliveredText(ctx, b.ID); err != nil {
		return err
	}
	if p.Tests, err = s.tests.Shown(ctx, b, shownFailing); err != nil {
		return err
	}
	if p.Since, err = s.builds.Environments.Since(ctx, b); err != nil {
		return err
	}
	if c.QueryParam("log") != "no" { // the script asks for the facts only
		if err := s.logOf(c, &p); err != nil {
			return err
		}
		p.Complete = b.State.Ended() && !p.Cut && p.Line == 0
	}
	if p.Place, err = s.builds.Queue.Place(ctx, b); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, p)
}

// approveForm lets the commit that a page showed be built, for who signed in by the operator's token.
func (s *Server) approveForm(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	b, err := s.build(r.Context(), r.PostFormValue("build"))
	if err != nil {
		return err
	}
	v := viewerOf(r.Context())
	if v.session == "" || !v.sight.All {
		return pullrequests.ErrNoOperator
	}
	by := people.Actor{Who: v.name + ", in a browser", From: c.RealIP()}
	if err := s.builds.Pulls.Approve(r.Context(), by, b.ID, r.PostFormValue("sha")); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, s.base+buildPath(b.ID))
}

// undeliveredText says why the build's newest status has not reached the git host; it is empty when
// the status has.
func (s *Server) undeliveredText(ctx context.Context, build int64) (string, error) {
	statuses, err := s.builds.Outbox.Statuses(ctx, build)
	if err != nil {
		return "", err
	}
	d := outbox.Undelivered(statuses)
	if d == nil {
		return "", nil
	}
	text := d.Text(time.Now())
	return strings.ToUpper(text[:1]) + text[1:], nil
}

// logOf puts the beginning of the log on its build's page, or the part around the line that was asked
// for.
func (s *Server) logOf(c echo.Context, p *web.Build) error {
	ctx := c.Request().Context()
	line, err := queryNumber(c, "line", "a line's number")
	if err != nil {
		return err
	}
	if line > 0 {
		err := logpage.Around(ctx, s.builds.Logs, p, line)
		if !errors.Is(err, database.ErrNotFound) {
			return err
		}
	}
	return logpage.Head(ctx, s.builds.Logs, p)
}

// shownFailing is how many failing tests stand on a build's page and in its JSON.
const shownFailing = 20
