// Package github speaks with GitHub: it verifies and reads webhook deliveries, and sets and reads commit statuses.
package github

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

var (
	// ownerPattern is GitHub's rule for accounts: letters, digits and hyphens, at most
	// 39. Accounts that an enterprise manages carry its short code after an underscore.
	ownerPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$`)
	// namePattern is GitHub's rule for repository names.
	namePattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	// shaPattern is a commit's full id, SHA-1 or SHA-256, as git prints it.
	shaPattern = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
)

// SplitFullName takes OWNER/NAME apart. What GitHub would not accept as the name of a
// repository is an error, so that both parts are safe in a URL's path.
func SplitFullName(fullName string) (owner, name string, err error) {
	owner, name, _ = strings.Cut(fullName, "/")
	if !ownerPattern.MatchString(owner) || !validName(name) {
		return "", "", fmt.Errorf("%.150q is not the full name of a GitHub repository: want OWNER/NAME", fullName)
	}
	return owner, name, nil
}

// validName refuses, beside other characters, names of dots alone, which are steps in
// a path, and the ending .git, which GitHub reserves for the clone URL.
func validName(name string) bool {
	return namePattern.MatchString(name) &&
		strings.Trim(name, ".") != "" &&
		!strings.HasSuffix(strings.ToLower(name), ".git")
}

// ValidSHA reports whether s is the full id of a commit: 40 or 64 lower-case
// hexadecimal digits, and not the zeros that stand for no commit.
func ValidSHA(s string) bool {
	return shaPattern.MatchString(s) && strings.Trim(s, "0") != ""
}

// CloneURL is where a repository is fetched from: built from server (GITHUB_SERVER_URL) and the full name only.
// The full name is checked against GitHub's own rules.
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

// checkBase refuses base URLs that hold more than scheme, host and path: credentials in
// them would end in logs. Its errors go on after the name of the setting.
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

// validRef says whether ref can stand in a URL's path: git forbids what would change
// the path (dots at the beginning of a component, empty components).
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
