package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"vivarium/server/docs"
	"vivarium/server/web"
)

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
		Scripts: []string{docs.RedocScript, web.AssetPath("redoc.js")},
	}), nil
}

func (s *Server) docsPage(p web.Docs) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		c := unwrap(ctx)
		if err := s.renderWith(c, http.StatusOK, p, docs.Policy); err != nil {
			s.answerError(err, c)
		}
	}}
}
