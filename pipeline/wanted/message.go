// Package wanted decides which pushes are to be built, before anything of them runs: by what the
// message of their commit asks for, and by the branches and files that the operator or the repository
// names. Its functions are pure.
package wanted

import (
	"regexp"
	"strings"
)

// markers are what GitHub Actions takes for the wish that a commit is not built, anywhere in the
// message of a push's head commit (docs.github.com, "Skipping workflow runs").
var markers = []string{"[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"}

// skipChecks is the trailer that says the same.
var skipChecks = regexp.MustCompile(`(?i)^skip-checks:[ \t]*true[ \t]*$`)

// Marker is what a commit's whole message says that it is not to be built by; empty where it says
// nothing of that kind. Letters count alike in both cases.
func Marker(message string) string {
	lower := strings.ToLower(message)
	for _, marker := range markers {
		if strings.Contains(lower, marker) {
			return marker
		}
	}
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(message, "\r\n", "\n"), "\n \t"), "\n")
	for i := len(lines) - 1; i > 0 && strings.TrimSpace(lines[i]) != ""; i-- { // the last paragraph; a subject is none
		if skipChecks.MatchString(lines[i]) {
			return "skip-checks: true"
		}
	}
	return ""
}

// marked says for people why a commit with a marker is not built.
func marked(marker string) string { return "the commit's message says " + marker }
