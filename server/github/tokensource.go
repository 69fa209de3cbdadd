package github

import (
	"errors"
	"strings"
)

// TokenSource returns the token for a request; empty is none. A client asks it before each request,
// so that a token that lasts an hour can be renewed while the client lives. Several goroutines may
// ask it at once.
type TokenSource func() string

// Static is the source of a token that never changes.
func Static(token string) TokenSource { return func() string { return token } }

// now is the token at this moment. The nil source has none.
func (s TokenSource) now() string {
	if s == nil {
		return ""
	}
	return s()
}

// CheckToken refuses a token that could not be sent in a header. Its error does not show the token.
func CheckToken(token string) error {
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("GITHUB_TOKEN holds white space or other characters that no token has")
	}
	return nil
}
