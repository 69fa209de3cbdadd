package github

import (
	"errors"
	"strings"
)

// TokenSource gives the token that a request is to be made with; empty is none. It is asked before each request, so that a token
// which lasts an hour can be renewed while a client lives. It may be asked from several goroutines.
type TokenSource func() string

// Static is the source of a token that stays.
func Static(token string) TokenSource { return func() string { return token } }

// now is the token at this moment. The nil source has none.
func (s TokenSource) now() string {
	if s == nil {
		return ""
	}
	return s()
}

// CheckToken refuses what could not be sent in a header. Its error does not show the token.
func CheckToken(token string) error {
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("GITHUB_TOKEN holds white space or other characters that no token has")
	}
	return nil
}
