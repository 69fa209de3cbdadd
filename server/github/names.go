// Package github speaks with GitHub: it verifies and reads webhook deliveries, and sets and reads
// commit statuses.
package github

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

var (
	// ownerPattern is GitHub's rule for accounts: letters, digits and hyphens, at most 39. An
	// account that an enterprise manages ends in an underscore and the enterprise's short code.
	ownerPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$`)
	// namePattern is GitHub's rule for repository names.
	namePattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	// shaPattern is the full id of a commit, SHA-1 or SHA-256, as git prints it.
	shaPattern = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
)

// SplitFullName splits OWNER/NAME. It returns an error for what GitHub would not accept as a
// repository's name, so that both parts are safe in a URL's path.
func SplitFullName(fullName string) (owner, name string, err error) {
	owner, name, _ = strings.Cut(fullName, "/")
	if !ownerPattern.MatchString(owner) || !validName(name) {
		return "", "", fmt.Errorf("%.150q is not the full name of a GitHub repository: want OWNER/NAME", fullName)
	}
	return owner, name, nil
}

// validName refuses, besides other characters, names that consist only of dots, which are steps in
// a path, and names that end in .git, which GitHub reserves for the clone URL.
func validName(name string) bool {
	return namePattern.MatchString(name) &&
		strings.Trim(name, ".") != "" &&
		!strings.HasSuffix(strings.ToLower(name), ".git")
}

// ValidSHA reports whether s is the full id of a commit: 40 or 64 lower-case hexadecimal digits,
// and not the zeros that stand for no commit.
func ValidSHA(s string) bool {
	return shaPattern.MatchString(s) && strings.Trim(s, "0") != ""
}

// CloneURL is where a repository is fetched from. It is built only from server (GITHUB_SERVER_URL)
// and the full name, which is checked against GitHub's own rules.
func CloneURL(server *url.URL, fullName string) (*url.URL, error) {
	owner, name, err := SplitFullName(fullName)
	if err != nil {
		return nil, fmt.Errorf("clone URL: %w", err)
	}
	if err := checkBase(server); err != nil {
		return nil, fmt.Errorf("clone URL: GITHUB_SERVER_URL %w", err)
	}
	return server.JoinPath(owner, name+".git"), nil
}

// checkBase refuses base URLs that hold more than scheme, host and path: credentials in them would
// end up in logs. Its errors continue a sentence that begins with the setting's name.
func checkBase(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("must begin with https:// or http://")
	case u.Host == "":
		return fmt.Errorf("names no host")
	case u.User != nil:
		return fmt.Errorf("must not hold a user name or a password")
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("must not hold a query or a fragment")
	}
	return nil
}

// validRef reports whether ref can stand in a URL's path. git itself forbids what would change the
// path (components that are empty or begin with a dot).
func validRef(ref string) bool {
	if ref == "" || len(ref) > maxRef || strings.ContainsFunc(ref, isControl) {
		return false
	}
	for part := range strings.SplitSeq(ref, "/") {
		if part == "" || strings.HasPrefix(part, ".") {
			return false
		}
	}
	return !strings.ContainsAny(ref, " ~^:?*[\\") && !strings.Contains(ref, "..")
}
