package egress

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"vivarium/sandbox/egress/watchdog"
)

const maxRedirects = 5

// send asks upstream. Like git itself, it follows redirects only for the first request of a fetch.
// Later requests go where the first one led.
func (g *Git) send(dog *watchdog.Dog, c gitCall) (*http.Response, error) {
	if c.method == http.MethodPost {
		g.mu.Lock()
		base := g.base
		g.mu.Unlock()
		return g.roundTrip(dog, base, c)
	}
	base := g.upstream
	for range maxRedirects {
		res, err := g.roundTrip(dog, base, c)
		if err != nil {
			return nil, err
		}
		if !isRedirect(res.StatusCode) {
			g.mu.Lock()
			g.base = base
			g.mu.Unlock()
			return res, nil
		}
		res.Body.Close()
		if base, err = nextBase(base, c, res.Header.Get("Location")); err != nil {
			return nil, err
		}
		if err := g.follows(base); err != nil {
			return nil, err
		}
	}
	return nil, refuse(http.StatusBadGateway, "the git host redirects more than %d times", maxRedirects)
}

// follows refuses a repository that a redirect may not lead to.
func (g *Git) follows(base string) error {
	to, err := url.Parse(base)
	if err != nil || g.leads != nil && !g.leads(to) {
		return refuse(http.StatusForbidden, "the git host redirects to %s, which the operator does not list: not followed",
			base)
	}
	return nil
}

// roundTrip sends one request whose every header is written here. The token goes only
// to the configured repository itself, never to where a redirect points.
func (g *Git) roundTrip(dog *watchdog.Dog, base string, c gitCall) (*http.Response, error) {
	var body io.Reader
	if c.method == http.MethodPost {
		body = c.body
	}
	req, err := http.NewRequestWithContext(dog.Context(), c.method, base+c.path, body)
	if err != nil {
		return nil, refuse(http.StatusBadGateway, "the repository's address is not a valid URL")
	}
	if c.method == http.MethodPost {
		req.ContentLength = c.length
	}
	req.Header = c.header.Clone()
	rt := g.other
	if origin(req.URL) == g.origin {
		rt = g.own
	}
	if g.auth != "" && base == g.upstream {
		req.Header.Set("Authorization", g.auth)
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		return nil, &fetchError{host: req.URL.Host, err: dog.Explain(err)}
	}
	return res, nil
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// nextBase is the repository that a redirect names. GitHub redirects so the clients of a renamed
// repository. The redirect must lead to the same request on a repository, and not from https to
// http.
func nextBase(base string, c gitCall, location string) (string, error) {
	from, err := url.Parse(base + c.path)
	if err != nil {
		return "", refuse(http.StatusBadGateway, "the repository's address is not a valid URL")
	}
	to, err := from.Parse(location)
	if err != nil || location == "" {
		return "", refuse(http.StatusBadGateway, "the git host redirects to an address that cannot be read")
	}
	to.User, to.Fragment = nil, ""
	if to.Scheme != "https" && to.Scheme != from.Scheme {
		return "", refuse(http.StatusBadGateway, "the git host redirects to %s, which is not https: not followed",
			origin(to))
	}
	next, ok := strings.CutSuffix(to.String(), c.path)
	// It must also name a host and a repository there: //info/refs would have its host cut off.
	if repo, err := url.Parse(next); !ok || err != nil || repo.Host == "" || repo.Host != to.Host ||
		strings.Trim(repo.Path, "/") == "" {
		return "", refuse(http.StatusBadGateway,
			"the git host redirects to a page of %s that is not a git repository: not followed", origin(to))
	}
	return next, nil
}
