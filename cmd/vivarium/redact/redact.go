// Package redact keeps credentials out of what people are shown.
package redact

import "strings"

// Hidden stands in the place of what is kept out.
const Hidden = "[redacted]"

// Credentials removes from a value what may be a credential: all before its last @, and its
// query and fragment. The value need not be a well-formed URL.
func Credentials(v string) string {
	scheme := ""
	if s, rest, ok := strings.Cut(v, "://"); ok && !strings.ContainsAny(s, "@:/?#") {
		scheme, v = s+"://", rest
	}
	at, query := strings.LastIndexByte(v, '@'), strings.IndexAny(v, "?#")
	switch {
	case at >= 0 && query >= 0 && query < at: // an @ in the query, or a ? in the password
		return scheme + Hidden
	case query >= 0:
		v = v[:query+1] + Hidden
	}
	if at >= 0 {
		v = Hidden + v[at:]
	}
	return scheme + v
}
