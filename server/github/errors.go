package github

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"vivarium/pipeline"
	"vivarium/server/github/names"
)

// maxWait bounds how long a server may ask us to wait: GitHub's limits reset every hour.
const maxWait = time.Hour

// unnamedWait is the wait for a limit that names no time: "at least one minute", as GitHub says
// (docs.github.com, "Rate limits for the REST API").
const unnamedWait = time.Minute

// APIError is an answer that is not a success.
type APIError struct {
	Code      int
	Message   string // the server's own words
	RateLimit bool
	RetryAt   time.Time // zero where no time was named
}

func (e *APIError) Error() string { return fmt.Sprintf("GitHub answered %d: %s", e.Code, e.Message) }

// isRateLimit tells the 403 of a limit from that of a missing permission.
// https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
func isRateLimit(resp *http.Response, body gh.ErrorResponse) bool {
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		return resp.Header.Get("Retry-After") != "" ||
			resp.Header.Get("X-RateLimit-Remaining") == "0" ||
			strings.Contains(body.DocumentationURL, "rate-limits") ||
			strings.Contains(strings.ToLower(body.Message), "rate limit")
	}
	return false
}

// retryAt is the earliest time for another try, as GitHub's documentation defines it: after
// Retry-After; else, when nothing is left of a limit, at its reset; else, for a limit, in a minute.
func retryAt(h http.Header, e *APIError, now time.Time) time.Time {
	at := retryAfter(h.Get("Retry-After"), now)
	if at.IsZero() && e.RateLimit {
		if at = limitReset(h); at.IsZero() {
			at = now.Add(unnamedWait)
		}
	}
	return earlier(at, now.Add(maxWait))
}

// limitReset is when a used-up limit resets; zero where the answer does not say so. Some proxies
// pass on only the reset. A secondary limit comes with the primary one's figures, which are not
// used up.
func limitReset(h http.Header) time.Time {
	reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	left := h.Get("X-RateLimit-Remaining")
	if err != nil || left != "0" && left != "" {
		return time.Time{}
	}
	return time.Unix(reset, 0)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// retryAfter parses both forms of the header (RFC 9110, section 10.2.3).
func retryAfter(value string, now time.Time) time.Time {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return now.Add(time.Duration(seconds) * time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		return at
	}
	return time.Time{}
}

// outcome translates an error into one that the outbox knows: refused, or later. It leaves out what
// was asked for: its words are shown beside the status.
func outcome(err error) error {
	if err == nil {
		return nil
	}
	err = plain(err)
	var refusal *APIError
	if !errors.As(err, &refusal) {
		return &pipeline.RetryError{Unsure: !neverSent(err), Err: err}
	}
	if refusal.RateLimit || refusal.Code >= 500 || refusal.Code == http.StatusRequestTimeout {
		return &pipeline.RetryError{
			At: refusal.RetryAt,
			// A gateway answers for a server that may have done what was asked.
			Unsure: refusal.Code == http.StatusBadGateway || refusal.Code == http.StatusGatewayTimeout,
			Err:    err,
		}
	}
	return &pipeline.RefusedError{Code: refusal.Code, Message: refusal.Message}
}

// plain removes go-github's and net/http's wrapping, which would repeat the URL.
func plain(err error) error {
	var refusal *APIError
	if errors.As(err, &refusal) {
		return refusal
	}
	var limited *gh.RateLimitError // go-github itself refuses what the last answer forbade
	if errors.As(err, &limited) {
		return &APIError{
			Code:      http.StatusTooManyRequests,
			Message:   limited.Message,
			RateLimit: true,
			RetryAt:   limited.Rate.Reset.Time,
		}
	}
	var answer *gh.ErrorResponse
	if errors.As(err, &answer) {
		return &APIError{Code: answer.Response.StatusCode, Message: names.Clean(answer.Message, 500)}
	}
	var noToken *tokenError
	if errors.As(err, &noToken) {
		return noToken
	}
	var transfer *url.Error
	if errors.As(err, &transfer) {
		if transfer.Timeout() && !neverSent(err) {
			return fmt.Errorf("no answer from GitHub in time: %w", transfer.Err)
		}
		return fmt.Errorf("cannot reach GitHub: %w", transfer.Err)
	}
	return err
}

// neverSent reports whether the error came before a connection stood: then the server cannot have
// seen the request.
func neverSent(err error) bool {
	var noToken *tokenError
	if errors.As(err, &noToken) {
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
