package web

import (
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"vivarium/sandbox/quantity"
)

// shortSHA is a commit's abbreviation, as git hosts show it.
func shortSHA(sha string) string { return sha[:min(7, len(sha))] }

// sentence makes a message a sentence: our errors begin in lower case and have no full stop.
func sentence(message string) string {
	first, size := utf8.DecodeRuneInString(message)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + message[size:] + "."
}

// place is a place in the queue for people; build.js has the same words.
func place(n int) string {
	switch {
	case n == 0:
		return ""
	case n == 1:
		return "next in the queue"
	case n > 100: // places beyond are not told
		return "beyond place 100 in the queue"
	}
	return fmt.Sprintf("place %d in the queue", n)
}

// duration is the time between two moments, for people; empty while either is unknown.
func duration(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return ""
	}
	return quantity.Duration(to.Sub(from))
}
