package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/mvrilo/go-redoc"
	"github.com/swaggest/swgui/v5emb"

	"vivarium/server/web"
)

// docsPolicy lets the viewers of the description style themselves by script. The hash is that of an
// empty style element, which Redoc's script then fills rule by rule. The policy still keeps the
// viewers from every other host.
const docsPolicy = "default-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; " +
	"img-src 'self' data:; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'"

func jsonObject(op *huma.Operation) {
	answersWith(op, "application/json")
	op.Responses["200"].Content["application/json"].Schema = &huma.Schema{Type: huma.TypeObject}
}

type openAPIAnswer struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (s *Server) openAPI(context.Context, *struct{}) (*openAPIAnswer, error) {
	return &openAPIAnswer{ContentType: "application/json", Body: s.description}, nil
}

// describe gives the description of all routes. It is made once, after they are registered.
func describe(api huma.API) ([]byte, error) {
	description, err := json.MarshalIndent(api.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describe the routes: %w", err)
	}
	return description, nil
}

func (s *Server) swaggerUI(context.Context, *struct{}) (*huma.StreamResponse, error) {
	return s.docsPage(web.Docs{
		Title:   "API in Swagger UI",
		Styles:  []string{"/docs/swagger-ui.css"},
		Scripts: []string{"/docs/swagger-ui-bundle.js", web.AssetPath("swagger.js")},
	}), nil
}

func (s *Server) redoc(context.Context, *struct{}) (*huma.StreamResponse, error) {
	return s.docsPage(web.Docs{
		Title:   "API in Redoc",
		Scripts: []string{redocScript, web.AssetPath("redoc.js")},
	}), nil
}

func (s *Server) docsPage(p web.Docs) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		c := unwrap(ctx)
		if err := s.renderWith(c, http.StatusOK, p, docsPolicy); err != nil {
			s.answerError(err, c)
		}
	}}
}

// swaggerAssets are Swagger UI's own files, without its page: that page has an inline script, which
// the content policy forbids.
func swaggerAssets() http.Handler {
	files := v5emb.New("Vivarium", "/openapi.json", "/docs")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	})
}

const redocScript = "/redoc/redoc.standalone.js"

// redocAssets is Redoc's script, without its page for the same reason.
func redocAssets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != redocScript {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		http.ServeContent(w, r, "redoc.standalone.js", time.Time{}, strings.NewReader(redoc.JavaScript))
	})
}
