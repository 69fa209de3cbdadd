// Package repositories is a reverse proxy to the repositories that a build depends on, fetch only.
package repositories

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"vivarium/sandbox/egress"
)

const (
	// maxFetches bounds how many requests of one build are served at a time; the others wait.
	maxFetches = 4
	// defaultMaxBytes is what the default sandbox has room for.
	defaultMaxBytes = 2 << 30
)

// Config says which repositories a build may fetch besides its own.
type Config struct {
	URLs []*url.URL // of the repositories
	// Listed reports whether the operator lists an address's host. Redirects lead to no other.
	Listed   func(*url.URL) bool
	MaxBytes int64 // of all answers together; 0 is the default
}

// Proxy opens repositories without credentials: what it opens is public, or open to all on the
// operator's own network.
type Proxy struct {
	all   []*egress.Git // nil where a repository is not offered
	slots chan struct{}
}

// New makes the proxy. A repository whose host is not listed is not offered.
func New(c Config) *Proxy {
	if c.MaxBytes <= 0 {
		c.MaxBytes = defaultMaxBytes
	}
	p := &Proxy{slots: make(chan struct{}, maxFetches)}
	shared := &budget{}
	shared.left.Store(c.MaxBytes)
	for i, u := range c.URLs {
		g := (*egress.Git)(nil)
		if c.Listed(u) {
			g = egress.NewGit(egress.GitConfig{
				Upstream: u, MaxBytes: c.MaxBytes, Path: p.Path(i), Leads: c.Listed, Bound: shared.bound,
			})
		}
		p.all = append(p.all, g)
	}
	return p
}

// Path is where a repository stands on the service, by its number in the configuration.
func (p *Proxy) Path(i int) string { return fmt.Sprintf("/%d%s", i, egress.GitPath) }

// Failure is what kept a build from a repository; nil where nothing did.
func (p *Proxy) Failure(i int) *egress.GitFailure {
	if p.all[i] == nil {
		return nil
	}
	return p.all[i].Failure()
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g := p.find(r.RequestURI)
	if g == nil {
		http.Error(w, "this repository is none that the build's plan names", http.StatusNotFound)
		return
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
		g.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

// find looks for the repository of a request by its target as it was sent.
func (p *Proxy) find(target string) *egress.Git {
	for i, g := range p.all {
		if strings.HasPrefix(target, p.Path(i)+"/") {
			return g
		}
	}
	return nil
}

// budget is how many bytes several repositories may still send.
type budget struct{ left atomic.Int64 }

func (b *budget) bound(r io.Reader) io.Reader { return &boundReader{r, b} }

// boundReader fails once the budget is used up.
type boundReader struct {
	r      io.Reader
	budget *budget
}

func (b *boundReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.budget.left.Add(-int64(n)) < 0 {
		return 0, egress.ErrTooLarge
	}
	return n, err
}
