package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vivarium/pipeline"
	"vivarium/server/api"
	"vivarium/server/logtext"
	"vivarium/server/store/outbox"
	"vivarium/server/web"
)

// maxPageLog is how many bytes of the log a page contains when it is served. The script fetches the
// rest.
const maxPageLog = 256 << 10

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
	builds, next, err := s.newest(c.Request().Context(), before)
	if err != nil {
		return err
	}
	p := web.Index{Builds: builds, First: before == 0}
	if next != 0 {
		p.NextPath = listPath(next)
	}
	return s.render(c, http.StatusOK, p)
}

func queryID(c echo.Context, name string) (int64, error) {
	value := c.QueryParam(name)
	if value == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 {
		return 0, &Problem{Message: fmt.Sprintf("%s must be a build's id", name), status: http.StatusBadRequest}
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
	p.CommitURL = p.RepoURL + "/commit/" + b.SHA
	if p.Undelivered, err = s.undeliveredText(ctx, b.ID); err != nil {
		return err
	}
	if c.QueryParam("log") != "no" { // the script asks for the facts only
		if err := s.logHead(ctx, &p); err != nil {
			return err
		}
	}
	if p.Place, err = s.builds.Queue.Place(ctx, b); err != nil {
		return err
	}
	p.Complete = b.State.Ended() && !p.Cut
	return s.render(c, http.StatusOK, p)
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

// logHead puts the beginning of the log on the page.
func (s *Server) logHead(ctx context.Context, p *web.Build) error {
	text := logtext.New(true)
	for size := 0; size < maxPageLog; {
		chunks, err := s.builds.Logs.Chunks(ctx, p.ID, p.After, maxPageLog-size)
		if err != nil {
			return fmt.Errorf("read the log of build %d: %w", p.ID, err)
		}
		if len(chunks) == 0 {
			return nil
		}
		for _, c := range chunks {
			piece := web.Piece{Stream: string(c.Stream), Text: text.Text(c)}
			if c.Omitted > 0 {
				piece = web.Piece{Stream: "gap", Text: "\n" + gapLine(c.Omitted) + "\n"}
			}
			addPiece(p, c.Attempt, c.Step, piece)
			p.After = c.Seq
			size += len(c.Data)
		}
	}
	p.Cut = true
	return nil
}

// addPiece appends to the section of the same attempt and step, or begins one.
func addPiece(p *web.Build, attempt int, step pipeline.StepName, piece web.Piece) {
	n := len(p.Log)
	if n == 0 || p.Log[n-1].Attempt != attempt || p.Log[n-1].Step != step {
		p.Log = append(p.Log, web.Section{Attempt: attempt, Step: step})
		n++
	}
	p.Log[n-1].Pieces = append(p.Log[n-1].Pieces, piece)
}
