package main

import "strings"

const hidden = "[redacted]"

// hideCredentials removes from a value what may be a credential: all before its last @, and its
// query and fragment. The value need not be a well-formed URL.
func hideCredentials(v string) string {
	scheme := ""
	if s, rest, ok := strings.Cut(v, "://"); ok && !strings.ContainsAny(s, "@:/?#") {
		scheme, v = s+"://", rest
	}
	at, query := strings.LastIndexByte(v, '@'), strings.IndexAny(v, "?#")
	switch {
	case at >= 0 && query >= 0 && query < at: // an @ in the query, or a ? in the password
		return scheme + hidden
	case query >= 0:
		v = v[:query+1] + hidden
	}
	if at >= 0 {
		v = hidden + v[at:]
	}
	return scheme + v
}
