package worktree

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// ignoreRules are the patterns of ignore files, weakest first: the last that matches decides
// (gitignore(5)). go-git's own matcher is not used: it lets `!*/` bring back every file below a
// folder, and knows neither [!a] nor two ** in one pattern. A test compares these rules with git's
// answers.
type ignoreRules []ignoreRule

type ignoreRule struct {
	below   string // the folder of the rule's file; empty: the root
	negated bool   // what it matches is not ignored
	dirOnly bool
	base    bool // match only the last element
	size    int  // of the pattern, in bytes
	match   func(string) bool
}

// parseIgnore reads the ignore file of a folder, which is relative to the root (empty: the root).
func parseIgnore(folder, content string) ignoreRules {
	var rules ignoreRules
	for line := range strings.SplitSeq(strings.TrimPrefix(content, "\ufeff"), "\n") {
		if r, ok := parseIgnoreLine(strings.TrimSuffix(line, "\r")); ok {
			r.below = folder
			rules = append(rules, r)
		}
	}
	return rules
}

func parseIgnoreLine(line string) (ignoreRule, bool) {
	if strings.HasPrefix(line, "#") {
		return ignoreRule{}, false
	}
	line = trimTrailingSpaces(line)
	var r ignoreRule
	line, r.negated = strings.CutPrefix(line, "!")
	line, r.dirOnly = strings.CutSuffix(line, "/")
	if line == "" {
		return ignoreRule{}, false
	}
	r.base, r.size = !strings.Contains(line, "/"), len(line)
	r.match = matcher(strings.TrimPrefix(line, "/"))
	return r, r.match != nil
}

// trimTrailingSpaces removes spaces at the end, unless a backslash protects them.
func trimTrailingSpaces(s string) string {
	trimmed := strings.TrimRight(s, " ")
	slashes := len(trimmed) - len(strings.TrimRight(trimmed, `\`))
	if slashes%2 == 1 && len(trimmed) < len(s) {
		trimmed += " "
	}
	return trimmed
}

// with adds the rules of a file, or fails when they are too many together.
func (rules ignoreRules) with(own ignoreRules) (ignoreRules, error) {
	all := append(slices.Clip(rules), own...)
	size := 0
	for _, r := range all {
		size += r.size
	}
	if size > maxRules {
		return nil, fmt.Errorf("its ignore files hold %d bytes of patterns, more than %d; leave some out",
			size, maxRules)
	}
	return all, nil
}

// ignores reports whether the rules ignore a file or folder, given that they ignore no folder above
// it.
func (rules ignoreRules) ignores(name string, dir bool) bool {
	for i := len(rules) - 1; i >= 0; i-- {
		if r := &rules[i]; r.matches(name, dir) {
			return !r.negated
		}
	}
	return false
}

func (r *ignoreRule) matches(name string, dir bool) bool {
	if r.dirOnly && !dir {
		return false
	}
	if r.below != "" {
		var inside bool
		if name, inside = strings.CutPrefix(name, r.below+"/"); !inside {
			return false
		}
	}
	if r.base {
		name = path.Base(name)
	}
	return r.match(name)
}

// matcher compiles a pattern; nil when it can match nothing. The two common forms, a plain name and
// *SUFFIX, are compared directly. The others become regular expressions, which a hostile pattern
// cannot make slow.
func matcher(pattern string) func(string) bool {
	const special = `*?[\`
	if !strings.ContainsAny(pattern, special) {
		return func(name string) bool { return name == pattern }
	}
	if suffix, ok := strings.CutPrefix(pattern, "*"); ok && !strings.ContainsAny(suffix, special+"/") {
		return func(name string) bool {
			return strings.HasSuffix(name, suffix) && !strings.Contains(name[:len(name)-len(suffix)], "/")
		}
	}
	re, err := regexp.Compile(globRegexp(byteRunes(pattern)))
	if err != nil {
		return nil
	}
	return func(name string) bool { return re.MatchString(byteRunes(name)) }
}

// byteRunes makes each byte a character, since git's ? stands for one byte.
func byteRunes(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return s
	}
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// globRegexp translates a pattern as git's wildmatch reads it.
func globRegexp(pattern string) string {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(pattern); {
		rest := pattern[i:]
		atStart := i == 0 || pattern[i-1] == '/'
		switch {
		case atStart && strings.HasPrefix(rest, "**/"):
			b.WriteString(`(?:.*/)?`)
			i += len("**/")
		case atStart && rest == "**":
			b.WriteString(`.+`)
			i += len("**")
		case rest[0] == '*':
			b.WriteString(`[^/]*`)
			i += len(rest) - len(strings.TrimLeft(rest, "*"))
		case rest[0] == '?':
			b.WriteString(`[^/]`)
			i++
		case rest[0] == '[':
			class, n := globClass(rest)
			b.WriteString(class)
			i += n
		case rest[0] == '\\' && len(rest) > 1:
			b.WriteString(regexp.QuoteMeta(rest[1:2]))
			i += 2
		default:
			b.WriteString(regexp.QuoteMeta(rest[:1]))
			i++
		}
	}
	b.WriteString(`\z`)
	return b.String()
}

// nothing matches no name.
const nothing = `[^\x00-\x{10FFFF}]`

// globClass translates the bracket expression at the start of s and gives its length. One that is
// not closed matches nothing.
func globClass(s string) (string, int) {
	var b strings.Builder
	i := 1
	b.WriteString("[")
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		b.WriteString("^/")
		i++
	}
	for first := true; i < len(s); first = false {
		switch {
		case s[i] == ']' && !first:
			b.WriteString("]")
			return b.String(), i + 1
		case strings.HasPrefix(s[i:], "[:"):
			end := strings.Index(s[i:], ":]")
			if end < 0 {
				return nothing, len(s)
			}
			b.WriteString(s[i : i+end+2])
			i += end + 2
			continue
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteString(regexp.QuoteMeta(s[i : i+1]))
		case s[i] == '-':
			b.WriteString("-")
		default:
			b.WriteString(regexp.QuoteMeta(s[i : i+1]))
		}
		i++
	}
	return nothing, len(s)
}
