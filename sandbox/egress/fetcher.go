package egress

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// fetcher gets what the configured index and its pages name.
type fetcher struct {
	origin string        // of the configured index
	auth   *url.Userinfo // for that origin only; nil for none
	own    http.RoundTripper
	secure http.RoundTripper // https elsewhere: public and listed addresses
	listed http.RoundTripper // http elsewhere: listed addresses only
	stall  time.Duration
}

func newFetcher(index *url.URL, allow []netip.Prefix, roots *x509.CertPool) *fetcher {
	return &fetcher{
		origin: origin(index),
		auth:   index.User,
		own:    transport(roots),
		secure: guard{allow: allow, public: true}.transport(roots),
		listed: guard{allow: allow}.transport(roots),
		stall:  stallTimeout,
	}
}

// fetched is an answer from upstream; Close releases it.
type fetched struct {
	*http.Response
	url  *url.URL  // where it came from, after redirects
	body io.Reader // ends with an error when the host goes silent
	dog  *watchdog
}

// Close gives up whatever has not been read.
func (f *fetched) Close() {
	f.Body.Close()
	f.dog.stop()
}

// get asks for u. Every hop of a redirect is held to the same rules as the first address.
func (f *fetcher) get(ctx context.Context, u *url.URL, header http.Header) (*fetched, error) {
	dog := watch(ctx, f.stall)
	host := u.Host
	for range maxRedirects {
		res, err := f.roundTrip(dog.ctx, u, header)
		if err != nil {
			err = dog.explain(err)
			dog.stop()
			return nil, &fetchError{host: u.Host, err: plain(err)}
		}
		if !isRedirect(res.StatusCode) {
			dog.rest()
			return &fetched{Response: res, url: u, body: &hostReader{dog.reader(res.Body), u.Host}, dog: dog}, nil
		}
		res.Body.Close()
		next, err := u.Parse(res.Header.Get("Location"))
		if err != nil {
			dog.stop()
			return nil, refuse(http.StatusBadGateway, "package index: %s redirects to an address that cannot be read", u.Host)
		}
		next.User, next.Fragment = nil, ""
		u = next
	}
	dog.stop()
	return nil, refuse(http.StatusBadGateway, "package index: %s redirects more than %d times", host, maxRedirects)
}

func (f *fetcher) roundTrip(ctx context.Context, u *url.URL, header http.Header) (*http.Response, error) {
	own := origin(u) == f.origin
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
