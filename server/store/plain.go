package store

import (
	"strings"

	"vivarium/pipeline"
)

// standIn is for a character that GitHub does not take.
const standIn = '□'

// basicPlane replaces what is above U+FFFF: GitHub answers 422 to it ("doesn't accept 4-byte Unicode").
func basicPlane(text string) string {
	return strings.Map(func(r rune) rune {
		if r > 0xffff {
			return standIn
		}
		return r
	}, text)
}

// plainWords describe a status in ASCII and in words of ours alone, for when the host does not take its description. state is
// GitHub's word.
func plainWords(state string, cause pipeline.Cause) string {
	text := map[string]string{"pending": "queued or running", "success": "passed", "failure": "failed", "error": "could not be built"}[state]
	if words := causeWords[cause]; words != "" && state != "pending" {
		text += ": " + words
	}
	return text
}
