package server

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"vivarium/server/accept"
	"vivarium/server/github/delivery"
	"vivarium/server/pullrequests"
	"vivarium/server/store/database"
	"vivarium/server/store/database/trouble"
	"vivarium/server/throttle"
	"vivarium/server/web"
)

// Problem is the body of every answer that is an error.
type Problem struct {
	Success bool   `json:"success" enum:"false" doc:"Always false."`
	Message string `json:"message" doc:"What went wrong and what to do about it."`
	status  int
	// retryAfter is after how many seconds another attempt makes sense; 0 when unknown.
	retryAfter int
}

// Error is the message.
func (p *Problem) Error() string { return p.Message }

// GetStatus is the HTTP status code that the problem is answered with.
func (p *Problem) GetStatus() int { return p.status }

// errPanicked stands for a panic that has been logged.
var errPanicked = errors.New("the handler panicked")

func init() {
	// huma has one constructor of errors for the whole process. It makes the errors of huma itself:
	// parameters that do not fit their schema.
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		for _, err := range errs {
			message += ": " + validation(err)
		}
		if status == http.StatusUnprocessableEntity {
			status = http.StatusBadRequest
		}
		return &Problem{Message: message, status: status}
	}
}

// validation says which parameter does not fit and why, without its value.
func validation(err error) string {
	if d, ok := err.(huma.ErrorDetailer); ok {
		return d.ErrorDetail().Location + " " + d.ErrorDetail().Message
	}
	return err.Error()
}

// problem maps an error of the domain to an answer. Status codes for errors are chosen only here.
// An unknown error is logged and answered with 500 without its text, which may hold what the client
// must not see.
func (s *Server) problem(ctx context.Context, err error) *Problem {
	var (
		known   *Problem
		routing *echo.HTTPError
		tooBig  *http.MaxBytesError
		away    *trouble.Error
		often   *throttle.Error
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &often):
		return tooOften(often)
	case errors.As(err, &away):
		s.log.ErrorContext(ctx, "request refused", "err", err)
		return unavailable(away.Kind)
	case errors.Is(err, database.ErrNotFound):
		return &Problem{Message: "there is no such build", status: http.StatusNotFound}
	case errors.Is(err, delivery.ErrSignature):
		return &Problem{Message: err.Error(), status: http.StatusUnauthorized}
	case errors.Is(err, delivery.ErrMalformed):
		return &Problem{Message: err.Error(), status: http.StatusBadRequest}
	case errors.Is(err, delivery.ErrMediaType):
		return &Problem{Message: err.Error(), status: http.StatusUnsupportedMediaType}
	case pullrequests.Code(err) != 0:
		return &Problem{Message: err.Error(), status: pullrequests.Code(err)}
	case errors.As(err, &tooBig):
		return &Problem{Message: "the body is larger than GitHub's own limit of 25 MB",
			status: http.StatusRequestEntityTooLarge}
	case errors.As(err, &routing):
		return &Problem{Message: routingMessage(routing.Code), status: routing.Code}
	}
	if !errors.Is(err, errPanicked) && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "request failed", "err", err)
	}
	return &Problem{Message: "the server could not answer; its log says why", status: http.StatusInternalServerError}
}

// tooOften is the answer to an attempt of a network that has failed too often.
func tooOften(e *throttle.Error) *Problem {
	return &Problem{Message: e.Error(), status: http.StatusTooManyRequests, retryAfter: e.Seconds()}
}

// troubleRetry is after how many seconds a client may try again when the database had trouble.
const troubleRetry = 30

// unavailable is the answer when the database has trouble. The kind names no place. GitHub does not
// repeat a delivery by itself, but shows the answer to the webhook's owner.
func unavailable(kind error) *Problem {
	return &Problem{
		Message: "the server cannot do this now: " + kind.Error() + "; try again once that is mended",
		status:  http.StatusServiceUnavailable, retryAfter: troubleRetry,
	}
}

func routingMessage(code int) string {
	switch code {
	case http.StatusNotFound:
		return "there is nothing at this address"
	case http.StatusMethodNotAllowed:
		return "this address does not take that method; the Allow header names those it takes"
	}
	return http.StatusText(code)
}

// answerError is Echo's error handler. It answers what no route answered, in the form that the
// client reads.
func (s *Server) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := s.problem(c.Request().Context(), err)
	p.addHeaders(c.Response().Header())
	if accept.Page(c.Request()) && c.Path() != webhookPath {
		err = s.render(c, p.status, problemPage(c.Request(), p))
	} else {
		err = c.JSON(p.status, p)
	}
	if err != nil {
		s.log.DebugContext(c.Request().Context(), "error not delivered", "err", err)
	}
}

// GetHeaders are the headers of a problem that huma answers.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	return h
}

// addHeaders says in HTTP's words what a program should do.
func (p *Problem) addHeaders(h http.Header) {
	maps.Copy(h, p.GetHeaders())
	if p.status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", `Bearer realm="vivarium"`) // RFC 6750, section 3
	}
}

// problemPage asks for a token, or for another one, when there is nothing to show: others may see
// something there. The page is the same in both cases.
func problemPage(r *http.Request, p *Problem) web.Problem {
	page := web.Problem{Status: p.status, Message: p.Message}
	v, known := knownViewer(r.Context())
	if p.status == http.StatusNotFound && known && !v.local {
		page.SignIn = &web.SignIn{Next: here(r)}
	}
	return page
}
