// Package names knows what may be a name on GitHub, so that it is safe in a URL's path, and makes a
// stranger's words fit for one line.
package names

import (
	"fmt"
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

// maxRef is GitHub's own limit on a ref's name, in bytes.
const maxRef = 255

// ValidOwner reports whether GitHub would accept s as an account's name.
func ValidOwner(s string) bool { return ownerPattern.MatchString(s) }

// SplitFullName splits OWNER/NAME. It returns an error for what GitHub would not accept as a
// repository's name, so that both parts are safe in a URL's path.
func SplitFullName(fullName string) (owner, name string, err error) {
	owner, name, _ = strings.Cut(fullName, "/")
	if !ValidOwner(owner) || !validName(name) {
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

// ValidRef reports whether ref can stand in a URL's path. git itself forbids what would change the
// path (components that are empty or begin with a dot).
func ValidRef(ref string) bool {
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
