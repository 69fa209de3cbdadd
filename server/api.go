package server

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"vivarium/server/filter"
)

// newAPI is the part of the router whose routes are described by their types. The description says
// that they are below base.
func newAPI(e *echo.Echo, version, base string) huma.API {
	return humaecho.New(e, huma.Config{
		OpenAPI: &huma.OpenAPI{Info: &huma.Info{
			Title:       "Vivarium",
			Version:     version,
			Description: "Builds of pushed commits, each in a sandbox of its own, and their live logs.",
		}, Servers: []*huma.Server{{URL: cmp.Or(base, "/")}}, Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
			SecuritySchemes: map[string]*huma.SecurityScheme{tokenScheme: {
				Type: "http", Scheme: "bearer", Description: "The text that vivarium token prints.",
			}},
		}},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
	})
}

// tokenScheme is the name, in /openapi.json, of the scheme by which a program says who it is.
const tokenScheme = "token"

// typed is a handler whose input and output types describe it in /openapi.json.
func typed[I, O any](h func(context.Context, *I) (*O, error), details ...func(*huma.Operation)) handler {
	return func(s *Server, r route) {
		op := huma.Operation{
			Method:      r.method,
			Path:        r.path,
			OperationID: operationID(r),
			Summary:     r.summary,
			Description: "Access: " + string(r.access) + ".",
			Middlewares: huma.Middlewares{s.admit(r.access), s.negotiate(r.page), s.knownQuery(r)},
			Responses:   map[string]*huma.Response{},
		}
		for _, detail := range details {
			detail(&op)
		}
		if r.access == readers {
			op.Security = []map[string][]string{{}, {tokenScheme: {}}} // with no token, or with one
			op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusTooManyRequests)
		}
		// huma would read and check a body that it knows of. The only body that this server reads
		// must have its signature checked first, so it is only described.
		body := op.RequestBody
		op.RequestBody = nil
		huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
			out, err := h(ctx, in)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return out, nil
		})
		if body != nil {
			s.api.OpenAPI().Paths[r.path].Post.RequestBody = body
		}
		// Parameters that do not fit are answered with 400; see huma.NewError.
		delete(op.Responses, "422")
	}
}

// knownQuery refuses parameters that the route does not have: a misspelt filter would else answer with
// everything.
func (s *Server) knownQuery(r route) func(huma.Context, func(huma.Context)) {
	known := sync.OnceValue(func() []string { // once the route is described
		var names []string
		for _, p := range s.api.OpenAPI().Paths[r.path].Get.Parameters {
			if p.In == "query" {
				names = append(names, p.Name)
			}
		}
		return names
	})
	return func(ctx huma.Context, next func(huma.Context)) {
		if r.method == http.MethodGet {
			u := ctx.URL()
			given := slices.Sorted(maps.Keys(u.Query()))
			if err := filter.Unknown(given, known()); err != nil {
				s.answerError(&Problem{Message: err.Error(), status: http.StatusBadRequest}, unwrap(ctx))
				return
			}
		}
		next(ctx)
	}
}

// unwrap gives the request as Echo sees it.
func unwrap(ctx huma.Context) echo.Context { return humaecho.Unwrap(ctx) }

func operationID(r route) string {
	words := strings.FieldsFunc(r.path, func(c rune) bool { return strings.ContainsRune("/{}.", c) })
	return strings.Join(append([]string{strings.ToLower(r.method)}, words...), "-")
}

// Details that a handler's types do not show.

func plainText(op *huma.Operation)   { answersWith(op, "text/plain") }
func eventStream(op *huma.Operation) { answersWith(op, "text/event-stream") }
func htmlPage(op *huma.Operation)    { answersWith(op, "text/html") }
func xmlDocument(op *huma.Operation) { answersWith(op, "application/xml") }
func svgPicture(op *huma.Operation)  { answersWith(op, "image/svg+xml") }

func answersWith(op *huma.Operation, mediaType string) {
	op.Responses["200"] = &huma.Response{
		Description: http.StatusText(http.StatusOK),
		Content:     map[string]*huma.MediaType{mediaType: {Schema: &huma.Schema{Type: huma.TypeString}}},
	}
}

func approves(op *huma.Operation) {
	noSuchBuild(op)
	op.Errors = append(op.Errors, http.StatusForbidden, http.StatusConflict)
}

func noSuchBuild(op *huma.Operation) {
	op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusNotFound)
}
