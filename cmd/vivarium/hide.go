package main

import "strings"

const hidden = "[redacted]"

// hideCredentials takes out of a value, which need not be a well-formed URL, what may be a credential in
// one: all before its last @, and what stands in its query or fragment.
func hideCredentials(v string) string {
	scheme := ""
	if s, rest, ok := strings.Cut(v, "://"); ok && !strings.ContainsAny(s, "@:/?#") {
		scheme, v = s+"://", rest
	}
	at, query := strings.LastIndexByte(v, '@'), strings.IndexAny(v, "?#")
	switch {
	case at >= 0 && query >= 0 && query < at: // an @ of the query, or a ? of the password
		return scheme + hidden
	case query >= 0:
		v = v[:query+1] + hidden
	}
	if at >= 0 {
		v = hidden + v[at:]
	}
	return scheme + v
}
