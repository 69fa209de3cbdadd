package egress

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"vivarium/sandbox/egress/watchdog"
)

// fetcher fetches what the configured index and its pages name.
type fetcher struct {
	origin string        // of the configured index
	below  string        // the configured index's path, escaped; ends in a slash
	auth   *url.Userinfo // for that origin only; nil for none
	own    http.RoundTripper
	secure http.RoundTripper // https elsewhere: public and listed addresses
	listed http.RoundTripper // http elsewhere: listed addresses only
	stall  time.Duration
}

func newFetcher(index *url.URL, allow []netip.Prefix, roots *x509.CertPool) *fetcher {
	return &fetcher{
		origin: origin(index),
		below:  strings.TrimSuffix(index.EscapedPath(), "/") + "/",
		auth:   index.User,
		own:    transport(roots),
		secure: guard{allow: allow, public: true}.transport(roots),
		listed: guard{allow: allow}.transport(roots),
		stall:  stallTimeout,
	}
}

// target is what to fetch. The index's own origin has two rights: its credentials are sent, and its
// address need not be public. Two kinds of targets have them: those that the operator names; and
// those that pages of that origin name, if they lie below the index's path or are checked against a
// hash. Nobody may see anything else on that host.
type target struct {
	url     *url.URL
	trusted bool // named by the operator, or by a page that was fetched with these rights
	checked bool // the answer is checked against a hash
}

// owns reports whether a hop to u has the rights of the index's own origin.
func (f *fetcher) owns(u *url.URL, checked bool) bool {
	if origin(u) != f.origin {
		return false
	}
	// Escaped dots remain here, and on that host they may lead upward.
	below := strings.HasPrefix(u.EscapedPath(), f.below) &&
		!strings.Contains(u.Path, "/../") && !strings.HasSuffix(u.Path, "/..") && !strings.Contains(u.Path, `\`)
	return checked || below
}

// fetched is an answer from upstream; Close releases it.
type fetched struct {
	*http.Response
	url  *url.URL  // where it came from, after redirects
	own  bool      // fetched with the rights of the index's own origin, at every hop
	auth bool      // the last hop was asked with the operator's credentials
	body io.Reader // ends with an error when the host goes silent
	dog  *watchdog.Dog
}

// Close gives up whatever has not been read.
func (f *fetched) Close() {
	f.Body.Close()
	f.dog.Stop()
}

// get asks for t. The rules for the first address hold for every hop of a redirect. After a hop
// without the rights of the index's own origin, no later hop has them.
func (f *fetcher) get(ctx context.Context, t target, header http.Header) (*fetched, error) {
	dog := watchdog.Watch(ctx, f.stall)
	u, own := t.url, t.trusted
	for range maxRedirects {
		own = own && f.owns(u, t.checked)
		res, err := f.roundTrip(dog.Context(), u, own, header)
		if err != nil {
			err = dog.Explain(err)
			dog.Stop()
			return nil, &fetchError{host: u.Host, err: plain(err)}
		}
		if !isRedirect(res.StatusCode) {
			dog.Rest()
			return &fetched{
				Response: res, url: u, own: own, auth: own && f.auth != nil,
				body: &hostReader{dog.Reader(res.Body), u.Host}, dog: dog,
			}, nil
		}
		res.Body.Close()
		next, err := u.Parse(res.Header.Get("Location"))
		if err != nil {
			dog.Stop()
			return nil, refuse(http.StatusBadGateway, "package index: %s redirects to an address that cannot be read",
				u.Host)
		}
		next.User, next.Fragment = nil, ""
		u = next
	}
	dog.Stop()
	return nil, refuse(http.StatusBadGateway, "package index: %s redirects more than %d times", t.url.Host,
		maxRedirects)
}

func (f *fetcher) roundTrip(ctx context.Context, u *url.URL, own bool, header http.Header) (*http.Response, error) {
	rt := f.own
	switch {
	case own:
	case u.Scheme == "https":
		rt = f.secure
	case u.Scheme == "http":
		rt = f.listed
	default:
		return nil, refuse(http.StatusForbidden, "package index: %s is not an http or https address", u.Redacted())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header = header.Clone()
	req.Header.Set("User-Agent", "vivarium")
	if password, _ := f.auth.Password(); own && f.auth != nil {
		req.SetBasicAuth(f.auth.Username(), password)
	}
	return rt.RoundTrip(req)
}
