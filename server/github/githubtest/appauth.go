package githubtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// longestJWT is how far ahead a JWT may end.
const longestJWT = 10 * time.Minute

// asApp judges the tokens of an App: its own, which are JWTs, and those of its installations. Others
// it leaves alone.
func (s *Server) asApp(w http.ResponseWriter, r *http.Request, token string) (handled, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apps.app == nil {
		return false, false
	}
	if forApp(r) {
		if wrong := s.wrongJWT(token); wrong != "" {
			refuse(w, http.StatusUnauthorized, wrong)
			return true, false
		}
		return true, true
	}
	if !strings.HasPrefix(token, "ghs_") {
		if r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/check-runs") {
			refuse(w, http.StatusForbidden, "You must authenticate via a GitHub App.")
			return true, false
		}
		return false, false
	}
	code, message := s.judgeMinted(s.minted(token), r)
	if code != 0 {
		refuse(w, code, message)
	}
	return true, code == 0
}

// forApp reports whether a request is the App's own, which needs a JWT.
func forApp(r *http.Request) bool {
	return r.URL.Path == "/app" || strings.HasPrefix(r.URL.Path, "/app/") ||
		strings.HasPrefix(r.URL.Path, "/repos/") && strings.HasSuffix(r.URL.Path, "/installation")
}

// wrongJWT says what is wrong with a JWT, as GitHub does. s.mu is held.
func (s *Server) wrongJWT(token string) string {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return s.apps.app.Key, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(s.options.Now), jwt.WithIssuedAt(),
		jwt.WithExpirationRequired())
	switch {
	case err != nil:
		return "A JSON web token could not be decoded"
	case claims.Issuer != strconv.FormatInt(s.apps.app.ID, 10):
		return "'Issuer' claim ('iss') must be an Integer"
	case claims.IssuedAt == nil:
		return "Missing 'issued at' claim ('iat') in assertion"
	case claims.ExpiresAt.After(s.options.Now().Add(longestJWT)):
		return "'Expiration time' claim ('exp') is too far in the future"
	}
	return ""
}

// judgeMinted decides whether the token of an installation may do what is asked; 0: it may. s.mu is
// held.
func (s *Server) judgeMinted(t *Minted, r *http.Request) (code int, message string) {
	if t == nil || t.Revoked || !s.options.Now().Before(t.Expires) {
		return http.StatusUnauthorized, "Bad credentials"
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if parts[0] != "repos" || len(parts) < 3 {
		return 0, ""
	}
	if !slices.Contains(t.Repos, parts[1]+"/"+parts[2]) {
		return http.StatusNotFound, "Not Found"
	}
	permission, level := needed(r, parts[3:])
	if has := t.Permissions[permission]; permission != "" && has != level && has != "write" {
		return http.StatusForbidden, "Resource not accessible by integration"
	}
	return 0, ""
}

// needed is the permission that a request below a repository needs.
func needed(r *http.Request, path []string) (permission, level string) {
	level = "write"
	if r.Method == http.MethodGet {
		level = "read"
	}
	switch last := strings.Join(path, "/"); {
	case strings.Contains(last, "check-"):
		return "checks", level
	case strings.HasPrefix(last, "statuses/"), strings.HasPrefix(last, "commits/"):
		return "statuses", level
	case strings.HasPrefix(last, "hooks"):
		return "repository_hooks", level
	}
	return "", ""
}
