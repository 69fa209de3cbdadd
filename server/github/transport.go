package github

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"

	"vivarium/server/github/names"
)

const (
	maxAnswer = 8 << 20  // bytes read of an answer; a full page of statuses has some 200 KiB
	maxError  = 64 << 10 // bytes read of an error's answer
)

// errNotModified says that what is known holds. go-github would not close such an answer's body.
var errNotModified = errors.New("not modified")

// transport adds the token and turns refusals into *APIError before go-github sees them: go-github
// knows neither rate limits answered with 429 nor dates in Retry-After.
type transport struct {
	base   *http.Transport
	origin url.URL
	tokens TokenSource

	mu    sync.Mutex
	limit limit
}

func newTransport(api *url.URL, tokens TokenSource) *transport {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.MaxIdleConnsPerHost = 8
	return &transport{base: base, origin: *api, tokens: tokens}
}

// RoundTrip sends a request, and once more where its token was refused and there is another one.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, token, err := t.try(req)
	if t.forget(token, err) {
		if again, ok := repeated(req); ok {
			resp, _, err = t.try(again)
		}
	}
	return resp, err
}

// forget reports whether a token was refused in place of which there may be another one.
func (t *transport) forget(token string, err error) bool {
	refusal, ok := err.(*APIError)
	if !ok || token == "" || refusal.Code != http.StatusUnauthorized {
		return false
	}
	f, ok := t.tokens.(Forgetter)
	return ok && f.Forget(token)
}

// repeated is the same request anew, where its body can be had again.
func repeated(req *http.Request) (*http.Request, bool) {
	again := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return again, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	again.Body = body
	return again, err == nil
}

// try sends a request once, and says with which token.
func (t *transport) try(req *http.Request) (resp *http.Response, token string, err error) {
	begun := time.Now()
	if err := t.wait(begun); err != nil {
		return nil, "", err
	}
	// A redirect may have led elsewhere, but the token is only for the API's own origin.
	if req.URL.Scheme == t.origin.Scheme && req.URL.Host == t.origin.Host {
		if token, err = tokenFor(req.Context(), t.tokens); err != nil {
			return nil, "", err
		}
		if token != "" {
			req = req.Clone(req.Context())
			req.Header.Set("Authorization", "Bearer "+token)
		}
	}
	if resp, err = t.base.RoundTrip(req); err != nil {
		return nil, token, err
	}
	resp, err = t.answered(resp, begun)
	return resp, token, err
}

// answered makes an *APIError of a refusal.
func (t *transport) answered(resp *http.Response, begun time.Time) (*http.Response, error) {
	if resp.StatusCode < 400 {
		t.mu.Lock()
		t.limit.ended(begun)
		t.mu.Unlock()
		if resp.StatusCode == http.StatusNotModified {
			return nil, errors.Join(errNotModified, resp.Body.Close())
		}
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
		return resp, nil
	}
	refusal := readAPIError(resp, time.Now())
	if refusal.RateLimit {
		t.mu.Lock()
		refusal.RetryAt = t.limit.met(begun, time.Now(), refusal.RetryAt, !limitReset(resp.Header).IsZero())
		t.mu.Unlock()
	}
	return nil, refusal
}

// wait refuses a request that GitHub asked us not to send yet.
func (t *transport) wait(now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.limit.until) {
		return &APIError{
			Code: http.StatusTooManyRequests,
			Message: "not asked: GitHub's rate limit holds until " + t.limit.until.UTC().Format(time.TimeOnly) +
				" UTC",
			RateLimit: true,
			RetryAt:   t.limit.until,
		}
	}
	return nil
}

// checkRedirect follows GitHub to a repository's new name, as long as that is the same request to
// the same origin: after a 301, Go would turn a POST into a GET.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > 3 || req.Method != first.Method || req.URL.Scheme != first.URL.Scheme ||
		req.URL.Host != first.URL.Host {
		return &APIError{
			Code: req.Response.StatusCode,
			Message: "moved to " + req.URL.Redacted() +
				", which is not followed: correct the repository's name or GITHUB_API_URL",
		}
	}
	return nil
}

// readAPIError parses a refusal. GitHub's words are in message and, for 422, in errors.
func readAPIError(resp *http.Response, now time.Time) *APIError {
	defer resp.Body.Close()
	var body gh.ErrorResponse
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxError))
	if err != nil || json.Unmarshal(text, &body) != nil || body.Message == "" {
		body = gh.ErrorResponse{Message: http.StatusText(resp.StatusCode)}
	}
	words := []string{body.Message}
	for _, e := range body.Errors {
		words = append(words, strings.TrimSpace(strings.TrimSpace(e.Field+" "+e.Code)+": "+e.Message))
	}
	a := &APIError{
		Code:      resp.StatusCode,
		Message:   names.Clean(strings.Join(words, "; "), 500),
		RateLimit: isRateLimit(resp, body),
	}
	a.RetryAt = retryAt(resp.Header, a, now)
	return a
}
