package outbox

import (
	"strings"

	"vivarium/pipeline"
	"vivarium/pipeline/sentence"
	"vivarium/server/store/builds"
)

// causeWords say what a cause is, where there is no summary.
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
	pipeline.CauseSuperseded:  "superseded",
	pipeline.CauseSkipped:     "skipped",
	pipeline.CauseFiltered:    "skipped",
	pipeline.CauseUnchanged:   "skipped",
}

// description is what b's status says as it is now.
func description(b builds.Row) string {
	if w := b.Build().Waiting; w != nil {
		return inLine(w.String())
	}
	return describe(b.State, b.Cause, b.Summary)
}

// describe is a status's description, which stands beside GitHub's own sign for the state: the
// summary, as everywhere else.
func describe(state pipeline.State, cause pipeline.Cause, summary string) string {
	switch {
	case state == pipeline.Unapproved:
		return inLine(summary)
	case !state.Ended():
		return "queued or running" // one status stands for both
	case state == pipeline.Passed:
		return inLine(strings.TrimSuffix("passed: "+summary, ": "))
	case state == pipeline.Skipped:
		return inLine("skipped: " + summary)
	case strings.TrimSpace(summary) == "":
		return causeWords[cause]
	}
	return inLine(summary)
}

// inLine is text as GitHub takes it.
func inLine(text string) string {
	return sentence.Cut(basicPlane(strings.Join(strings.Fields(text), " ")), sentence.Max)
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
	if cause.State() == pipeline.Skipped {
		return causeWords[cause]
	}
	if words := causeWords[cause]; words != "" && state != "pending" {
		text += ": " + words
	}
	return text
}
