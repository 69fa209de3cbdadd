// Package web is what browsers see: pages made from templates, with their style sheets and scripts,
// all embedded. Nothing is loaded from another host and nothing is inline, so that the strictest
// content policy holds.
package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/environment"
	"vivarium/server/filter"
	"vivarium/server/verdict"
)

// ContentSecurityPolicy is the policy with which every page is served.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"connect-src 'self'; img-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// Page is one page's data: Index, Build, Verdicts, SignIn, Problem or Docs.
type Page interface{ template() string }

// Index lists builds, newest first.
type Index struct {
	Builds   []pipeline.Build
	Words    filter.Words // what the list is asked for
	NextPath string       // of the page of older builds, without the base; empty on the last
	First    bool         // this is the page of the newest builds
}

// States are those that a list may be asked for.
func (Index) States() []string { return filter.States }

// Causes are those that a list may be asked for.
func (Index) Causes() []string { return filter.Causes }

// Build shows one build and its log.
type Build struct {
	pipeline.Build
	RepoURL   string
	CommitURL string
	// Place is the build's place in the queue, from 1; 0 if it does not wait.
	Place int
	// MayApprove says that who looks may approve the build's commit.
	MayApprove bool
	// Undelivered says why the git host does not have the build's status; empty where it does.
	Undelivered string
	// Since says what differs from the last green build; nil unless the build failed after one.
	Since *environment.Difference

	Tests *Tests // nil where none were recorded

	Log []Section
	// Rest is what follows Log on a page whose log is cut, for readers without JavaScript.
	Rest []Section
	// Line is the line around which Log is a part of the whole; 0: Log is its beginning.
	Line int64
	// After is the sequence number of the last chunk in Log; the script continues after it.
	After int64
	// Complete says that nothing follows. Cut says that the page holds only the beginning of the
	// log, for readers without JavaScript.
	Complete, Cut bool
}

// CameToNothing reports whether the build's push is built again when GitHub delivers it again.
func (b Build) CameToNothing() bool {
	return verdict.CameToNothing(b.Build)
}

// Section is the output of one attempt at one step.
type Section struct {
	Attempt int
	Step    pipeline.StepName
	Pieces  []Piece
}

// Piece is a stretch of output of one stream.
type Piece struct {
	Stream string // a pipeline.Stream, or "gap" where output was left out
	Text   string
	Line   int64 // the line that begins here, which gives the piece its address; 0 for none
}

// Problem says why there is nothing to show.
type Problem struct {
	Status  int
	Message string
	SignIn  *SignIn // asks for a token, where one could help
}

// Docs holds one of the two viewers of /openapi.json. Its paths are without the base.
type Docs struct {
	Title   string
	Styles  []string
	Scripts []string
}

func (Index) template() string   { return "index.html" }
func (Build) template() string   { return "build.html" }
func (Problem) template() string { return "problem.html" }
func (Docs) template() string    { return "docs.html" }

//go:embed templates
var templateFiles embed.FS

// Site makes the pages of one server.
type Site struct{ pages map[string]*template.Template }

// NewSite makes pages whose links begin with base, the path under which the server is reached: ""
// or, for example, "/vivarium". A template writes {{base}} before each path.
func NewSite(base string) *Site {
	return &Site{
		pages: parsePages(base, "index.html", "build.html", "verdicts.html", "signin.html", "problem.html",
			"docs.html"),
	}
}

// parsePages gives each page its own copy of the layout, since all pages define the same blocks.
func parsePages(base string, names ...string) map[string]*template.Template {
	own := template.FuncMap{
		"base":  func() string { return base },
		"asset": func(name string) string { return base + AssetPath(name) },
	}
	out := make(map[string]*template.Template, len(names))
	for _, name := range names {
		t := template.New("layout.html").Funcs(functions).Funcs(own)
		out[name] = template.Must(t.ParseFS(templateFiles, "templates/layout.html", "templates/"+name))
	}
	return out
}

// Render makes a page for a visitor.
func (s *Site) Render(p Page, v Visitor) ([]byte, error) {
	var out bytes.Buffer
	data := struct {
		Page    Page
		Visitor Visitor
	}{p, v}
	if err := s.pages[p.template()].Execute(&out, data); err != nil {
		return nil, fmt.Errorf("render %s: %w", p.template(), err)
	}
	return out.Bytes(), nil
}

var functions = template.FuncMap{
	"short":      shortSHA,
	"time":       machineTime,
	"date":       humanTime,
	"duration":   duration,
	"place":      place,
	"sentence":   sentence,
	"statusText": http.StatusText,
}

func machineTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
func humanTime(t time.Time) string   { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
