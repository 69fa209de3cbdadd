package registry

import (
	"fmt"
	"regexp"
	"strings"
)

// patternForm is OWNER/PATTERN: GitHub's rules for both, with * for any characters of the
// repository's name. An owner is never a pattern, since anybody can create an owner that matches
// it.
var patternForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._*-]{1,100}$`)

// CheckPattern refuses what is neither OWNER/NAME nor OWNER/PATTERN.
func CheckPattern(pattern string) error {
	_, name, _ := strings.Cut(pattern, "/")
	if !patternForm.MatchString(pattern) || strings.Trim(name, ".") == "" {
		return fmt.Errorf("%.150q is neither OWNER/NAME nor OWNER/PATTERN, such as octo/hello or "+
			"octo/group-*; the owner holds no *", pattern)
	}
	return nil
}

// IsPattern reports whether a checked pattern can match more than one repository.
func IsPattern(pattern string) bool { return strings.Contains(pattern, "*") }

// Matches reports whether a pattern matches the repository of this full name. Case does not matter,
// as on GitHub. Names beyond ASCII are no names of GitHub's and match nothing.
func Matches(pattern, name string) bool {
	if strings.ContainsFunc(name, func(r rune) bool { return r > '~' }) {
		return false
	}
	wantOwner, wantName, _ := strings.Cut(strings.ToLower(pattern), "/")
	owner, rest, found := strings.Cut(strings.ToLower(name), "/")
	return found && owner == wantOwner && glob(wantName, rest)
}

// glob matches * to any characters. Its time grows at most with the product of both lengths.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return true
}
