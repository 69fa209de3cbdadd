package server

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"vivarium/server/accept"
	"vivarium/server/docs"
	"vivarium/server/web"
)

// route is one line of the table of addresses.
type route struct {
	method, path string
	access       access
	summary      string
	serve        handler
	page         echo.HandlerFunc // answers browsers at the same address; may be nil
}

// routes lists every address of the server.
func (s *Server) routes() []route {
	return []route{
		{"GET", "/", readers, "Health; the newest builds for browsers", typed(s.health), s.indexPage},
		{"POST", webhookPath, signed, "Take a delivery from GitHub", typed(s.webhook, deliveryBody), nil},

		{"GET", "/logs", readers, "List builds, newest first", typed(s.listBuilds), s.indexPage},
		{"GET", "/logs/{id}", readers, "Show one build", typed(s.showBuild, noSuchBuild), s.buildPage},
		{"GET", "/logs/{id}/raw", readers, "Read the log, byte for byte", typed(s.rawLog, plainText, noSuchBuild), nil},
		{"GET", "/logs/{id}/events", readers, "Follow the log as server-sent events",
			typed(s.events, eventStream, noSuchBuild), nil},
		{"GET", "/logs/{id}/tests.json", readers, "Read the results of all tests",
			typed(s.tests.JSON, jsonObject, noSuchBuild), nil},
		{"GET", "/logs/{id}/junit.xml", readers, "Read the results of all tests as JUnit XML",
			typed(s.tests.JUnit, xmlDocument, noSuchBuild), nil},
		{"GET", "/api/v1/builds/{id}/tests", readers, "List the results of tests, page by page",
			typed(s.tests.Page, noSuchBuild), nil},
		{"POST", "/api/v1/builds/{id}/approve", readers, "Let a fork's commit be built, by the operator's token",
			typed(s.pulls.Approve, approves), nil},
		{"GET", "/verdicts", readers, "Tell how each branch's last push was judged, as of a time",
			typed(s.listVerdicts), s.verdictsPage},
		{"GET", "/badge/{owner}/{file}", readers, "Show a branch's last result as a picture",
			typed(s.badge, svgPicture, noSuchBuild), nil},

		{"GET", signInPath, anyone, "", pageAlone((*Server).signInPage), nil},
		{"POST", signInPath, anyone, "", pageAlone((*Server).signIn), nil},
		{"POST", signOutPath, anyone, "", pageAlone((*Server).signOut), nil},
		{"POST", "/approve", anyone, "", pageAlone((*Server).approveForm), nil},

		{"GET", "/healthz", anyone, "Tell that the process lives", typed(s.health), nil},
		{"GET", "/readyz", anyone, "Tell whether builds can be worked on", typed(s.ready, notReady), nil},

		{"GET", "/openapi.json", anyone, "Describe these addresses", typed(s.openAPI, jsonObject), nil},
		{"GET", "/docs", anyone, "Read the description in Swagger UI", typed(s.swaggerUI, htmlPage), nil},
		{"GET", "/redoc", anyone, "Read the description in Redoc", typed(s.redoc, htmlPage), nil},

		{"GET", "/docs/*", anyone, "", asset(docs.Swagger()), nil},
		{"GET", "/redoc/*", anyone, "", asset(docs.Redoc()), nil},
		{"GET", "/static/*", anyone, "", asset(web.Static()), nil},
	}
}

func (s *Server) register(routes []route) {
	for _, r := range routes {
		r.serve(s, r)
	}
}

// handler puts a route's answer to programs on the router.
type handler func(*Server, route)

// asset serves embedded files. Programs do not need them, so they are not in /openapi.json.
func asset(h http.Handler) handler {
	return func(s *Server, r route) { s.echo.Add(r.method, r.path, echo.WrapHandler(h)) }
}

// pageAlone serves a page for people only, which is not in /openapi.json either. It shows no build.
func pageAlone(h func(*Server, echo.Context) error) handler {
	return func(s *Server, r route) {
		s.echo.Add(r.method, r.path, func(c echo.Context) error {
			if err := s.recognize(c); err != nil {
				return err
			}
			return h(s, c)
		})
	}
}

// negotiate answers browsers with the route's page.
func (s *Server) negotiate(page echo.HandlerFunc) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if page == nil {
			next(ctx)
			return
		}
		c := unwrap(ctx)
		c.Response().Header().Add("Vary", "Accept")
		if !accept.Page(c.Request()) {
			next(ctx)
			return
		}
		if err := page(c); err != nil {
			s.answerError(err, c)
		}
	}
}
