package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"vivarium/sandbox/egress/watchdog"
	"vivarium/sandbox/quantity"
)

// maxGitMessage bounds a host's own words about an error.
const maxGitMessage = 4 << 10

// GitFailure is the last thing that went wrong upstream, and has not gone right since.
type GitFailure struct {
	Unreachable bool   // no answer, a broken one, or 5xx: a second try at once may help
	Heals       bool   // the trouble may pass by itself, or with a new token
	Stalled     bool   // the host kept the build waiting, which may be why the build ran out of time
	StatusCode  int    // the host's answer, when there was one
	Message     string // one line that names the host, without credentials
}

// Failure is the last failure; nil while nothing went wrong.
func (g *Git) Failure() *GitFailure {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failure
}

// failed records why there was no answer, and says what to tell the client.
func (g *Git) failed(client context.Context, err error) (int, string) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, "the request is larger than " + quantity.Bytes(maxWants)
	}
	var broken *clientError
	var stalled *watchdog.StalledError
	if errors.As(err, &broken) || client.Err() != nil && !errors.As(err, &stalled) {
		return http.StatusBadRequest, "the request broke off"
	}
	var no *refusal
	var private *addressError
	f := GitFailure{Message: g.name(err) + " " + silence(err)}
	status := http.StatusBadGateway
	switch {
	case errors.As(err, &no):
		status, f.Message = no.status, oneLine(no.reason)
	case errors.As(err, &private):
		f.Message = oneLine(fmt.Sprintf("the git host redirects to a private address: %v", private))
	default:
		f.Heals, f.Unreachable, f.Stalled = true, !isCertificate(err), errors.As(err, &stalled)
	}
	g.fail(f)
	return status, f.Message
}

// rejected records an answer that is not what a fetch needs, and says what to tell the
// client. The host's own words are passed on when they are plain text.
func (g *Git) rejected(c gitCall, res *http.Response) (int, string) {
	f := GitFailure{
		StatusCode: res.StatusCode,
		Message:    "git host " + res.Request.URL.Host + " answered " + statusText(res.StatusCode),
	}
	status := res.StatusCode
	switch {
	case res.StatusCode == http.StatusUnauthorized && res.Request.Header.Get("Authorization") != "":
		status = http.StatusForbidden
		f.Heals = true
		f.Message += ": GITHUB_TOKEN is wrong or has expired; set a new one"
	case g.leads != nil && (res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusNotFound):
		status = http.StatusForbidden // as below
		f.Message += ": the repository does not exist, or it is private: dependencies are fetched without credentials"
	case res.StatusCode == http.StatusUnauthorized:
		// After a 401 git would ask for a password, and nobody is there to type one.
		status = http.StatusForbidden
		f.Message += ": the repository does not exist, or it is private and GITHUB_TOKEN is not set"
	case res.StatusCode == http.StatusNotFound:
		f.Message += ": repository not found, or GITHUB_TOKEN may not read it"
	case isRedirect(res.StatusCode):
		status = http.StatusBadGateway
		f.Message += ": a redirect in the middle of a fetch is not followed"
	case res.StatusCode < http.StatusBadRequest:
		status = http.StatusBadGateway
		f.Message += " with something else than a git repository: " + c.want + " was expected"
	default:
		f.Heals = isTrouble(res.StatusCode)
		f.Unreachable = f.Heals && res.StatusCode != http.StatusTooManyRequests
		if said := hostWords(res); said != "" {
			f.Message += ": " + said
		}
	}
	f.Message = oneLine(f.Message)
	g.fail(f)
	return status, f.Message
}

// recovered forgets a failure: the host has answered in the end.
func (g *Git) recovered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failure = nil
}

func (g *Git) fail(f GitFailure) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failure = &f
}

// name is the name of the git host in messages.
func (g *Git) name(err error) string {
	var fetch *fetchError
	if errors.As(err, &fetch) {
		return "git host " + fetch.host
	}
	return "the git host"
}

func statusText(code int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
}

// hostWords is the text of an error, when the host sent it as plain text.
func hostWords(res *http.Response) string {
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") {
		return ""
	}
	// A part of the text, or none, will do: it only explains a status that is known.
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxGitMessage))
	return strings.TrimSpace(strings.ToValidUTF8(string(text), "�"))
}
