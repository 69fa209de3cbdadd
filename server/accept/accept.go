// Package accept tells browsers from programs by what they accept.
package accept

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// Page reports whether who asks is a browser: it names text/html, and prefers nothing else
// that the route offers (RFC 9110, section 12.5.1). Programs, which send */* or nothing, get JSON.
func Page(r *http.Request) bool {
	var html, json float64
	for _, accept := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(accept, ",") {
			switch kind, q := acceptRange(part); kind {
			case "text/html", "application/xhtml+xml":
				html = max(html, q)
			case "application/json", "text/event-stream":
				json = max(json, q)
			}
		}
	}
	return html > 0 && html >= json
}

func acceptRange(part string) (kind string, q float64) {
	kind, params, err := mime.ParseMediaType(part)
	if err != nil {
		return "", 0
	}
	weight, ok := params["q"]
	if !ok {
		return kind, 1
	}
	q, err = strconv.ParseFloat(weight, 64)
	if err != nil || q < 0 || q > 1 {
		return "", 0
	}
	return kind, q
}
