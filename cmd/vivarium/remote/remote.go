// Package remote finds the commit that a ref of a repository on a git host names.
package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"vivarium/cmd/vivarium/redact"
	"vivarium/pipeline"
	"vivarium/pipeline/gitline"
	"vivarium/pipeline/termtext"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

const (
	maxAdvertisement  = 64 << 20 // some 500 000 refs
	advertiseTimeout  = 30 * time.Second
	advertiseAttempts = 3
)

// Error says why a git host names no commit. The build's cause is then clone.
type Error struct {
	Served      bool // the repository exists, but not the ref
	unreachable bool // no answer at all: worth another attempt
	err         error
}

func (e *Error) Error() string { return e.err.Error() }
func (e *Error) Unwrap() error { return e.err }

// ParseURL reads the URL of a repository.
func ParseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("cannot build %q: it is not the http or https URL of a repository",
			redact.Credentials(s))
	}
	if u.User != nil {
		return nil, errors.New("cannot build a URL that holds a credential; set GITHUB_TOKEN instead")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("cannot build %q: the URL of a repository has no query and no fragment",
			redact.Credentials(s))
	}
	// A browser's address may end with a slash.
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// Resolver finds the commit that a ref of a remote repository names.
type Resolver struct {
	Repo  pipeline.Git
	Retry func(err error) // called before every further attempt
	Pause time.Duration   // before the second attempt; doubled for each one after
}

// Resolve gives the commit of a full ref name, a branch, a tag or a full SHA; an empty ref is HEAD.
func (r Resolver) Resolve(ctx context.Context, ref string) (string, error) {
	if gitline.CommitID.MatchString(ref) { // which needs no look-up
		return ref, nil
	}
	refs, err := r.refs(ctx)
	if err != nil {
		return "", err
	}
	if ref == "" {
		ref = "HEAD"
	}
	if sha := refs.find(ref); sha != "" {
		return sha, nil
	}
	return "", &Error{Served: true, err: fmt.Errorf("%s has no branch, tag or other ref %q", r.Repo.URL, ref)}
}

func (r Resolver) refs(ctx context.Context) (*advertised, error) {
	pause := r.Pause
	for attempt := 1; ; attempt++ {
		refs, err := r.advertised(ctx)
		if err == nil || ctx.Err() != nil {
			return refs, err
		}
		failure := describeRemote(err)
		if !failure.unreachable || attempt == advertiseAttempts {
			return nil, failure
		}
		r.Retry(failure)
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// describeRemote puts a failure into one line, in the host's own words if it gave any.
func describeRemote(err error) *Error {
	var noAnswer *url.Error
	var answer *githttp.Err
	if hidden := (*plumbing.UnexpectedError)(nil); errors.As(err, &hidden) {
		err = hidden.Err // it has no Unwrap
	}
	failure := &Error{}
	switch {
	case errors.As(err, &noAnswer):
		var certificate *tls.CertificateVerificationError
		failure.unreachable, err = !errors.As(err, &certificate), noAnswer.Err // without the URL, which is known
	case errors.As(err, &answer):
		failure.unreachable = isOutage(answer.StatusCode())
		err = fmt.Errorf("HTTP %d: %s", answer.StatusCode(), answer.Reason)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		failure.Served, err = true, errors.New("the repository is empty")
	}
	failure.err = errors.New(strings.TrimRight(termtext.OneLine(err.Error()), ": ")) // the host may have said nothing
	return failure
}

// isOutage recognizes the answer of a gateway whose host does not answer.
func isOutage(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable ||
		status == http.StatusGatewayTimeout
}

// boundedTransport cuts answers off at maxAdvertisement. A redirect gets no token.
type boundedTransport struct{}

func (boundedTransport) RoundTrip(q *http.Request) (*http.Response, error) {
	if isRedirected := q.Response != nil; isRedirected {
		q = q.Clone(q.Context())
		q.Header.Del("Authorization")
	}
	r, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	r.Body = boundedBody{io.LimitReader(r.Body, maxAdvertisement), r.Body}
	return r, nil
}

type boundedBody struct {
	io.Reader
	io.Closer
}
