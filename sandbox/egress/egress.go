// Package egress holds the services that a sandbox may reach: repositories on git hosts, to fetch
// from, and Python package indexes, to read.
//
// All run on the server's side of the sandbox's only door. A request from inside must match one of
// a few known requests as a whole, and the request to upstream is built anew. Only a request body
// and a protocol version are passed on as the client sent them.
package egress

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// refusal is the reason why a request is not passed on, and its answer.
type refusal struct {
	status  int
	reason  string
	trouble *Trouble // upstream's, which may pass; nil when there is none
}

func (e *refusal) Error() string { return e.reason }

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, reason: fmt.Sprintf(format, args...)}
}

// answer writes a reason as plain text, which git and pip show to their users.
func answer(w http.ResponseWriter, status int, reason string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Del("Content-Length") // that of the answer that is not sent now
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, reason)
}

// origin is scheme, host and port in a form that can be compared.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return strings.ToLower(u.Scheme) + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// oneLine makes s fit for one line of a log: no control characters, bounded.
func oneLine(s string) string {
	const limit = 500
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}), " ")
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}
