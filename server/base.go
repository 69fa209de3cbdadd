package server

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// base is the path of the public URL, without a slash at its end. It stands before every address
// that the server gives away. It is empty when the server has a host for itself.
func (c Config) base() string {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.EscapedPath(), "/")
}

// simpleBase allows only characters that are written one way in an address, so that a prefix can be
// recognized by its bytes (RFC 3986, section 2.3).
var simpleBase = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$`)

// checkBase refuses a path that could be mistaken for an address below it: a proxy may pass on
// requests with the path or without it, and the server accepts both.
func checkBase(base string) error {
	if !simpleBase.MatchString(base) {
		return fmt.Errorf("the path of VIVARIUM_PUBLIC_URL, %q, may hold only letters, digits and . _ ~ -, such "+
			"as /vivarium", base)
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(base, "/"), "/")
	if first != "" && slices.Contains(ownSegments(), first) {
		return fmt.Errorf("the path of VIVARIUM_PUBLIC_URL, %s, begins like an address of the server itself; "+
			"choose another, such as /vivarium", base)
	}
	return nil
}

// ownSegments are the first elements of the server's addresses.
func ownSegments() []string {
	var all []string
	for _, r := range (&Server{}).routes() {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.path, "/"), "/")
		all = append(all, first)
	}
	return all
}

// stripBase removes base from the path before routing, if the proxy has left it there, and a slash
// from the end of the webhook's path.
func stripBase(base string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			u := c.Request().URL
			if rest, ok := cutBase(base, u.Path); ok {
				u.Path = rest
				// An escaped path may differ in more than the prefix. Without RawPath, Path counts.
				u.RawPath, _ = cutBase(base, u.RawPath)
			}
			if u.Path == webhookPath+"/" { // easily typed on GitHub, which follows no redirect
				u.Path, u.RawPath = webhookPath, ""
			}
			return next(c)
		}
	}
}

// cutBase gives the path without base, and whether it was below base.
func cutBase(base, path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, base)
	switch {
	case base == "" || !ok:
		return "", false
	case rest == "":
		return "/", true
	}
	return rest, rest[0] == '/'
}
