package declared

import (
	"regexp"
	"strings"
)

// pythonRequires is the demand of a setup.py that is written down as it is.
var pythonRequires = regexp.MustCompile(`\bpython_requires\s*=\s*["']([^"'\n]+)["']`)

func firstMatch(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// literal is a string, a bracket or a colon of Python's source; what stands between them is not
// looked at.
var literal = regexp.MustCompile(`#[^\n]*|"([^"\\\n]*)"|'([^'\\\n]*)'|[][{}():,]`)

// maxScript bounds how much of a setup.py is looked at, in bytes.
const maxScript = 64 << 10

// valueOf is the source after `NAME =` or `NAME:` in a script.
func valueOf(script, name string) string {
	script = script[:min(len(script), maxScript)]
	at := regexp.MustCompile(`\b` + name + `["']?\s*[=:]\s*`).FindStringIndex(script)
	if at == nil {
		return ""
	}
	return script[at[1]:]
}

// listAfter reads a list of strings that a script gives a name.
func listAfter(script, name string) []string {
	value := valueOf(script, name)
	if value == "" || !strings.ContainsAny(value[:1], "[(") {
		return nil
	}
	var found []string
	depth := 0
	for _, m := range literal.FindAllStringSubmatch(value, -1) {
		switch m[0][0] {
		case '[', '(', '{':
			depth++
		case ']', ')', '}':
			if depth--; depth == 0 {
				return found
			}
		case '"', '\'':
			found = append(found, m[1]+m[2])
		}
	}
	return found
}

// dictOfLists reads a dict of lists of strings that a script gives a name. Of a list that is put
// together by other means only the strings in it are known.
func dictOfLists(script, name string) map[string][]string {
	value := valueOf(script, name)
	if !strings.HasPrefix(value, "{") {
		return nil
	}
	found := map[string][]string{}
	key, last := "", ""
	depth := 0
	for _, m := range literal.FindAllStringSubmatch(value, -1) {
		switch m[0][0] {
		case '[', '(', '{':
			depth++
		case ']', ')', '}':
			if depth--; depth == 0 {
				return found
			}
		case '"', '\'':
			if last = m[1] + m[2]; depth > 1 && key != "" {
				found[key] = append(found[key], last)
			}
		case ':':
			if depth == 1 {
				key = last
				found[key] = nil
			}
		}
	}
	return found
}
