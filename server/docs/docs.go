// Package docs holds the viewers of the API's description, Swagger UI and Redoc, embedded.
package docs

import (
	"net/http"
	"strings"
	"time"

	"github.com/mvrilo/go-redoc"
	"github.com/swaggest/swgui/v5emb"
)

// Policy lets the viewers of the description style themselves by script. The hash is that of an
// empty style element, which Redoc's script then fills rule by rule. The policy still keeps the
// viewers from every other host.
const Policy = "default-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; " +
	"img-src 'self' data:; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'"

// Swagger are Swagger UI's own files, without its page: that page has an inline script, which
// the content policy forbids.
func Swagger() http.Handler {
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

// RedocScript is the path of Redoc's script.
const RedocScript = "/redoc/redoc.standalone.js"

// Redoc is Redoc's script, without its page for the same reason.
func Redoc() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != RedocScript {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		http.ServeContent(w, r, "redoc.standalone.js", time.Time{}, strings.NewReader(redoc.JavaScript))
	})
}
