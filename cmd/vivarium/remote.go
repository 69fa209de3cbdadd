package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/termtext"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// fullSHA is an object name that needs no look-up (SHA-1 or SHA-256).
var fullSHA = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

const (
	maxAdvertisement  = 64 << 20 // some 500 000 refs
	advertiseTimeout  = 30 * time.Second
	advertiseAttempts = 3
)

// remoteError says why a git host names no commit. The build's cause is then clone.
type remoteError struct {
	unreachable bool // no answer at all: worth another attempt
	served      bool // the repository exists, but not the ref
	err         error
}

func (e *remoteError) Error() string { return e.err.Error() }
func (e *remoteError) Unwrap() error { return e.err }

// parseRepoURL reads the URL of a repository.
func parseRepoURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("cannot build %q: it is not the http or https URL of a repository", hideCredentials(s))
	}
	if u.User != nil {
		return nil, errors.New("cannot build a URL that holds a credential; set GITHUB_TOKEN instead")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("cannot build %q: the URL of a repository has no query and no fragment",
			hideCredentials(s))
	}
	// A browser's address may end with a slash.
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// resolver finds the commit that a ref of a remote repository names.
type resolver struct {
	repo  pipeline.Git
	retry func(err error) // called before every further attempt
	pause time.Duration   // before the second attempt; doubled for each one after
}

// resolve gives the commit of a full ref name, a branch, a tag or a full SHA; an empty ref is HEAD.
func (r resolver) resolve(ctx context.Context, ref string) (string, error) {
	if fullSHA.MatchString(ref) {
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
	return "", &remoteError{served: true, err: fmt.Errorf("%s has no branch, tag or other ref %q", r.repo.URL, ref)}
}

func (r resolver) refs(ctx context.Context) (*advertised, error) {
	pause := r.pause
	for attempt := 1; ; attempt++ {
		refs, err := r.advertised(ctx)
		if err == nil || ctx.Err() != nil {
			return refs, err
		}
		failure := describeRemote(err)
		if !failure.unreachable || attempt == advertiseAttempts {
			return nil, failure
		}
		r.retry(failure)
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// describeRemote puts a failure into one line, in the host's own words if it gave any.
func describeRemote(err error) *remoteError {
	var noAnswer *url.Error
	var answer *githttp.Err
	if hidden := (*plumbing.UnexpectedError)(nil); errors.As(err, &hidden) {
		err = hidden.Err // it has no Unwrap
	}
	failure := &remoteError{}
	switch {
	case errors.As(err, &noAnswer):
		var certificate *tls.CertificateVerificationError
		failure.unreachable, err = !errors.As(err, &certificate), noAnswer.Err // without the URL, which is known
	case errors.As(err, &answer):
		failure.unreachable = isOutage(answer.StatusCode())
		err = fmt.Errorf("HTTP %d: %s", answer.StatusCode(), answer.Reason)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		failure.served, err = true, errors.New("the repository is empty")
	}
	failure.err = errors.New(strings.TrimRight(oneLine(err.Error()), ": ")) // the host may have said nothing
	return failure
}

// isOutage recognizes the answer of a gateway whose host does not answer.
func isOutage(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable ||
		status == http.StatusGatewayTimeout
}

const maxRemoteWords = 500

// oneLine makes a stranger's words safe for one line of a terminal.
func oneLine(s string) string {
	f := termtext.Filter{}
	clean := slices.Concat(f.Write([]byte(s)), f.Flush())
	words := strings.Join(strings.Fields(string(clean)), " ")
	if len(words) > maxRemoteWords {
		words = strings.ToValidUTF8(words[:maxRemoteWords], "") + "…"
	}
	return words
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
