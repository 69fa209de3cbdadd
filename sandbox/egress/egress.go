// Package egress holds the two services that a sandbox may reach: one repository on a
// git host, to fetch from, and a Python package index, to read.
package egress

import (
	"net/http"
	"net/netip"
	"net/url"
)

// STUB: contract only; the owner of this package replaces the bodies and splits the file.

// GitConfig says which one repository a Git proxy opens.
type GitConfig struct {
	Upstream  *url.URL // the repository's own URL, such as https://github.com/OWNER/NAME.git
	Token     string   // added only to requests to exactly Upstream's origin; empty for none
	Transport http.RoundTripper
	MaxBytes  int64 // a response larger than this is cut off; 0 is the default
}

// Git is a reverse proxy to one repository, fetch only. The repository stands at GitPath.
type Git struct{}

// GitPath is the local repository's path on the service.
const GitPath = "/repo.git"

// NewGit makes the proxy.
func NewGit(c GitConfig) *Git { panic("contract") }

func (g *Git) ServeHTTP(w http.ResponseWriter, r *http.Request) { panic("contract") }

// GitFailure is the last thing that went wrong upstream.
type GitFailure struct {
	Unreachable bool   // no answer: worth a retry
	StatusCode  int    // the host's answer, when there was one
	Message     string // one line for the log, without credentials
}

// Failure is nil while nothing went wrong.
func (g *Git) Failure() *GitFailure { panic("contract") }

// IndexConfig says which package index is open.
type IndexConfig struct {
	Upstream *url.URL       // the simple index, such as https://pypi.org/simple/
	CacheDir string         // files are kept here by their hash; empty keeps none
	Allow    []netip.Prefix // private addresses that files may be fetched from all the same
	MaxFile  int64          // bytes; 0 is the default
	MaxPage  int64          // bytes; 0 is the default
}

// Index is the configured package index, with the cache that all builds share.
type Index struct{}

// IndexPath is the simple index's path on the service.
const IndexPath = "/simple/"

// NewIndex checks the configuration and makes the cache's folder.
func NewIndex(c IndexConfig) (*Index, error) { panic("contract") }

// Session is one build's view: links that it has not been given do not work.
// Lines for the build's log go to note, from any goroutine.
func (x *Index) Session(note func(line string)) http.Handler { panic("contract") }
