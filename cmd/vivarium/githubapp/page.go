package githubapp

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"time"
)

// codeLasts is how long GitHub's code can be exchanged.
const codeLasts = time.Hour

// page is the local page that sends the browser to GitHub with the manifest, and takes the code with
// which GitHub sends it back.
type page struct {
	form  form
	host  string // that the browser names
	state string // proves that the code answers this page's form
	code  chan string
}

// form is what the page shows.
type form struct {
	Action, Manifest, Name string
}

var pageText = template.Must(template.New("").Parse(`<!doctype html>
<meta charset="utf-8"><title>Vivarium: a GitHub App</title>
<style>body{font:16px/1.5 sans-serif;max-width:40em;margin:4em auto;padding:0 1em}</style>
<h1>A GitHub App for Vivarium</h1>
<p>GitHub shows the App <b>{{.Name}}</b> before it makes it, with what it may do. It belongs to you.</p>
<form method="post" action="{{.Action}}">
<input type="hidden" name="manifest" value="{{.Manifest}}">
<button>Go on to GitHub</button>
</form>
`))

const doneText = `<!doctype html><meta charset="utf-8"><title>Vivarium</title>
<p>GitHub has made the App. Go on in the terminal.</p>
`

// newState is a text that nobody guesses.
func newState() string { return rand.Text() }

// routes are the page's own. What does not name this machine may come from a stranger's page, under a
// name that leads here.
func (p *page) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = pageText.Execute(w, p.form) // the browser may have left
	})
	mux.HandleFunc("GET /made", p.made)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != p.host {
			http.Error(w, "ask for "+p.host, http.StatusForbidden)
			return
		}
		w.Header().Set("Referrer-Policy", "no-referrer")
		mux.ServeHTTP(w, r)
	})
}

// made takes the code, once.
func (p *page) made(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(p.state)) != 1 || q.Get("code") == "" {
		http.Error(w, "this does not answer the form of this page: begin again at http://"+p.host, http.StatusForbidden)
		return
	}
	select {
	case p.code <- q.Get("code"):
	default:
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, doneText)
}

// wait serves the page until GitHub has sent the browser back with the code.
func (p *page) wait(ctx context.Context, ln net.Listener) (code string, err error) {
	ctx, cancel := context.WithTimeout(ctx, codeLasts)
	defer cancel()
	server := &http.Server{Handler: p.routes(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second) // for the last page
		defer cancel()
		if server.Shutdown(closing) != nil {
			_ = server.Close()
		}
		if e := <-served; err == nil && !errors.Is(e, http.ErrServerClosed) {
			err = e
		}
	}()
	select {
	case code := <-p.code:
		return code, nil
	case <-ctx.Done():
		return "", fmt.Errorf("no browser came back from GitHub: %w", context.Cause(ctx))
	}
}

// newPage makes the page for a listener on this machine.
func newPage(ln net.Listener, server, public *url.URL, owner, name string) (*page, manifest) {
	host, state := ln.Addr().String(), newState()
	m := newManifest(name, public, "http://"+host+"/made")
	return &page{
		form:  form{Action: newAppURL(server, owner, state), Manifest: m.text(), Name: m.Name},
		host:  host,
		state: state,
		code:  make(chan string, 1),
	}, m
}
