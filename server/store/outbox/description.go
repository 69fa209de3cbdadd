package outbox

import (
	"strings"
	"unicode/utf8"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
)

// maxDescription is GitHub's limit: a longer one is refused with 422.
const maxDescription = 140

// causeWords say what a cause is, where the summary does not begin with them already.
var causeWords = map[pipeline.Cause]string{
	pipeline.CausePlan:        "plan",
	pipeline.CauseInstall:     "install",
	pipeline.CauseLint:        "lint",
	pipeline.CauseTests:       "tests",
	pipeline.CauseNoTests:     "no tests",
	pipeline.CauseTimeout:     "timed out",
	pipeline.CauseOutOfMemory: "out of memory",
	pipeline.CauseDiskFull:    "disk full",
	pipeline.CausePidsLimit:   "too many processes",
	pipeline.CauseLogLimit:    "too much output",
	pipeline.CauseClone:       "clone",
	pipeline.CauseIndex:       "index",
	pipeline.CauseImage:       "image",
	pipeline.CauseEngine:      "engine",
	pipeline.CauseInternal:    "internal error",
	pipeline.CauseCanceled:    "canceled",
	pipeline.CauseQuota:       "over quota",
}

// description is what b's status says as it is now.
func description(b builds.Row) string {
	if w := b.Build().Waiting; w != nil {
		return cutWords(basicPlane(strings.Join(strings.Fields(w.String()), " ")), maxDescription)
	}
	return describe(b.State, b.Cause, b.Summary)
}

// describe is a status's description, which stands beside GitHub's own sign for the state: what
// happened, with its cause before it.
func describe(state pipeline.State, cause pipeline.Cause, summary string) string {
	text := strings.Join(strings.Fields(summary), " ")
	head := causeWords[cause]
	switch {
	case !state.Ended():
		head, text = "queued or running", "" // one status stands for both
	case state == pipeline.Passed:
		head = "passed"
	}
	switch {
	case text == "":
		text = head
	case !strings.HasPrefix(strings.ToLower(text), head):
		text = head + ": " + text
	}
	return cutWords(basicPlane(text), maxDescription)
}

// cutWords cuts text to at most max characters, at a word where there is one.
func cutWords(text string, max int) string {
	if utf8.RuneCountInString(text) <= max {
		return text
	}
	cut := string([]rune(text)[:max-1])
	if i := strings.LastIndexByte(cut, ' '); i > max/2 {
		cut = cut[:i]
	}
	return cut + "…"
}

// standIn is for a character that GitHub does not take.
const standIn = '□'

// basicPlane replaces what is above U+FFFF: GitHub answers 422 to it ("doesn't accept 4-byte
// Unicode").
func basicPlane(text string) string {
	return strings.Map(func(r rune) rune {
		if r > 0xffff {
			return standIn
		}
		return r
	}, text)
}

// plainWords describe a status in ASCII and in words of ours alone, for when the host does not take
// its description. state is GitHub's word.
func plainWords(state string, cause pipeline.Cause) string {
	text := map[string]string{
		"pending": "queued or running",
		"success": "passed",
		"failure": "failed",
		"error":   "could not be built",
	}[state]
	if words := causeWords[cause]; words != "" && state != "pending" {
		text += ": " + words
	}
	return text
}
