// Package shell writes command lines as one could type them. They are for people to read; no shell
// ever runs one.
package shell

import (
	"regexp"
	"strings"
)

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// Line writes one command, with quotes where a shell would need them.
func Line(argv []string) string {
	words := make([]string, len(argv))
	for i, w := range argv {
		if !plainWord.MatchString(w) {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		words[i] = w
	}
	return strings.Join(words, " ")
}
