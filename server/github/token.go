package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"vivarium/pipeline"

	gh "github.com/google/go-github/v60/github"
)

// Kinds of tokens.
const (
	TokenClassic      = "classic"
	TokenFineGrained  = "fine-grained"
	TokenInstallation = "installation"
	TokenUnknown      = "unknown"
)

// TokenInfo says what a token may do, as far as GitHub tells.
type TokenInfo struct {
	Login   string   // whose it is; empty for an installation's token, which is nobody's
	Kind    string   // classic, fine-grained, installation or unknown
	Scopes  []string // of a classic token; GitHub does not tell what other tokens may do
	Expires string   // RFC 3339; empty when it does not expire, or GitHub does not tell
}

// Token asks GitHub about the configured token.
func (c *Client) Token(ctx context.Context) (TokenInfo, error) {
	ctx = forErrand(ctx, "", pipeline.PurposeManage)
	token, err := tokenFor(ctx, c.transport.tokens)
	if err != nil {
		return TokenInfo{}, fmt.Errorf("check token: %w", err)
	}
	if token == "" {
		return TokenInfo{}, errors.New("check token: there is none: set GITHUB_TOKEN")
	}
	info := TokenInfo{Kind: tokenKind(token)}
	var resp *gh.Response
	if info.Kind == TokenInstallation { // an installation's token may not ask for a user
		_, resp, err = c.api.Apps.ListRepos(ctx, &gh.ListOptions{PerPage: 1})
	} else {
		var user *gh.User
		user, resp, err = c.api.Users.Get(ctx, "")
		info.Login = user.GetLogin()
	}
	if err != nil {
		return TokenInfo{}, fmt.Errorf("check token: %w", plain(err))
	}
	info.Scopes = scopes(resp.Header)
	if expires := resp.TokenExpiration; !expires.IsZero() {
		info.Expires = expires.UTC().Format(time.RFC3339)
	}
	return info, nil
}

var oldClassic = regexp.MustCompile(`^[0-9a-f]{40}$`) // made before April 2021

// tokenKind goes by the prefixes that GitHub gives its tokens
// (docs.github.com, "About authentication to GitHub", on token formats).
func tokenKind(token string) string {
	switch {
	case strings.HasPrefix(token, "ghp_"), oldClassic.MatchString(token):
		return TokenClassic
	case strings.HasPrefix(token, "github_pat_"):
		return TokenFineGrained
	case strings.HasPrefix(token, "ghs_"):
		return TokenInstallation
	}
	return TokenUnknown
}

func scopes(h http.Header) []string {
	return strings.FieldsFunc(h.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' })
}
